"""A sender of Amazon Marketing Stream messages, with books of what they add up to."""
