"""The AWS clients of a connector function, made once per cold start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import botocore
from botocore.config import Config

from activation.aws.sdk import checked
from activation.aws.table import ConditionalTable

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

# Retries are bounded: after these the queue repeats the message, rather than the invocation the call. The SDK
# neither checks the arguments of each call against its model, which mypy has done, nor composes its name for AWS
# anew each time: without that a call takes a tenth less CPU time. For S3 it does check them: an empty key, which
# comes from data, would make a call for the bucket of one for an object.
CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 4},
    connect_timeout=3,
    read_timeout=20,
    parameter_validation=False,
    user_agent=f"audience-activation Botocore/{botocore.__version__}",
)


@dataclass(frozen=True)
class Clients:
    """The AWS clients of the core; `table` is the ledger table."""

    s3: S3Client
    sqs: SQSClient
    events: EventBridgeClient
    table: ConditionalTable

    @classmethod
    def connect(cls, ledger_table: str, *, connections: int = 16) -> Clients:
        """Make the clients, with the function's own role and region; raises ConfigError if the SDK is too old."""
        config = CONFIG.merge(Config(max_pool_connections=connections))
        return cls(
            s3=checked(boto3.client("s3", config=config.merge(Config(parameter_validation=True)))),
            sqs=checked(boto3.client("sqs", config=config)),
            events=checked(boto3.client("events", config=config)),
            table=ConditionalTable(checked(boto3.client("dynamodb", config=config)), ledger_table),
        )
