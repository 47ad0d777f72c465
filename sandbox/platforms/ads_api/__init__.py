"""The simulated Amazon Ads API: what subscriptions of Amazon Marketing Stream need of it."""
