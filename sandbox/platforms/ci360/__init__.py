"""A simulated SAS CI360: files behind signed links, bulk tasks that call a webhook, and the external event API."""
