"""From rows to acknowledged requests."""
