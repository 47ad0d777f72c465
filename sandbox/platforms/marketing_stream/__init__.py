"""A sender of Amazon Marketing Stream messages, which keeps the totals of what it sent."""
