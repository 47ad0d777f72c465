"""A server of the smoke run's own on AWS, which answers as Meta does and keeps nothing."""

from __future__ import annotations

# The variables in which its CDK app finds its stack's name and the hash of the token that it knows.
NAME, TOKEN_SHA256 = "SMOKE_RECEIVER_STACK", "SMOKE_RECEIVER_TOKEN_SHA256"
URL = "ReceiverUrl"  # the stack's output
