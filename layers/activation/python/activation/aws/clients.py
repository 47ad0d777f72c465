"""The AWS clients of a connector function, made once per cold start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.table import ConditionalTable
from activation.drops.messages import Work
from activation.errors import ActivationError, ConfigError, Retryable

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

# Bounded retries everywhere: a call that fails this often is the queue's to repeat, not the invocation's.
CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 4},
    connect_timeout=3,
    read_timeout=20,
)

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "NoSuchBucket", "ResourceNotFoundException"})


@dataclass(frozen=True)
class Clients:
    """What the core calls on AWS."""

    s3: S3Client
    sqs: SQSClient
    events: EventBridgeClient
    table: ConditionalTable

    @classmethod
    def connect(cls, ledger_table: str, *, connections: int = 16) -> Clients:
        """Make the clients from the function's own role and region."""
        config = CONFIG.merge(Config(max_pool_connections=connections))
        return cls(
            s3=boto3.client("s3", config=config),
            sqs=boto3.client("sqs", config=config),
            events=boto3.client("events", config=config),
            table=ConditionalTable(boto3.client("dynamodb", config=config), ledger_table),
        )

    def bury(self, queue_url: str, work: Work | str, error: ActivationError, run_id: str = "") -> None:
        """Put a message in the dead letters at once, with the reason as its attributes.

        `work` is what to do when the message is moved back, or the body of a message that could not be read.
        """
        attributes: dict[str, Any] = {
            "code": {"DataType": "String", "StringValue": error.code},
            "reason": {"DataType": "String", "StringValue": error.sentence},
        }
        if run_id:
            attributes["run_id"] = {"DataType": "String", "StringValue": run_id}
        body = work if isinstance(work, str) else work.continuation()
        self.sqs.send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=attributes)


def meaning(error: ClientError | BotoCoreError) -> Retryable | ConfigError:
    """Say what a failed call on S3, SQS or EventBridge means for the run that made it."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        if code in DENIED or code.startswith("KMS."):
            return ConfigError(
                "aws_denied", f"AWS answered {code} to {error.operation_name}; see the function's role"
            )
        return Retryable("aws_busy", f"AWS answered {code} to {error.operation_name} beyond the SDK's retries")
    return Retryable("aws_busy", f"an AWS service did not answer: {type(error).__name__}")
