"""The AWS clients of the functions, from botocore alone: boto3 would double what a cold start has to import."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from activation.aws.sdk import checked
from botocore.config import Config


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


def client(service: str, config: Config) -> Any:
    """Make a client with the function's own role and region; raises ConfigError for an SDK that is too old."""
    return checked(_session().create_client(service, config=config))
