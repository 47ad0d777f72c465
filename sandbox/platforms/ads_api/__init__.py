"""The simulated Amazon Ads API, as far as subscriptions of Amazon Marketing Stream need it."""
