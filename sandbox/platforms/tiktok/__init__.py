"""A simulated TikTok Business API v1.3: customer-file audiences, as its public pages describe them."""
