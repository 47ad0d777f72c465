"""The SDK's clients, one of each for the life of the process."""

from __future__ import annotations

import functools
from typing import Any

import boto3
from activation.aws.sdk import checked
from botocore.config import Config

# Two attempts fit into the time a function keeps in reserve; what still fails is retried with its message.
_CONFIG = Config(
    connect_timeout=2, read_timeout=4, retries={"mode": "standard", "max_attempts": 2}, max_pool_connections=4
)


@functools.cache
def client(service: str) -> Any:
    """Return the client of a service; raises ConfigError for an SDK that is too old."""
    return checked(boto3.client(service, config=_CONFIG))  # type: ignore[call-overload]  # the service is not a literal here
