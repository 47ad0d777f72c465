"""Mirrors: what an audience was sent, how a new list differs from it, and what may be removed."""
