"""A real PostgreSQL on this machine, with TLS in front of it that can be told to misbehave."""
