"""Statements of several roles: a function's queue, logs and traces, a customer key, the owner of a bucket."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from stacks.source_settings import SourceSettings


def trace() -> iam.PolicyStatement:
    """Return the statement that lets a function send its traces."""
    # X-Ray has no resources to name:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html, read 2026-11-22
    return allow("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"])


def own_queue(queue: sqs.IQueue) -> iam.PolicyStatement:
    """Allow a function to read its queue, and to send itself continuations."""
    return allow(
        "OwnQueue",
        [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
            "sqs:SendMessage",
        ],
        [queue.queue_arn],
    )


def own_logs(group: logs.ILogGroup) -> iam.PolicyStatement:
    """Allow a function to write to its log group."""
    return allow("OwnLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [group.log_group_arn])


def owner_is(source: SourceSettings) -> dict[str, str]:
    """Return the condition that a source's bucket still belongs to the account that the settings name."""
    return {"s3:ResourceAccount": source.account or Aws.ACCOUNT_ID}


def key_through_ledger(key: kms.IKey) -> iam.PolicyStatement:
    """Allow use of the customer key through DynamoDB."""
    # DynamoDB uses the key in the caller's name for more actions:
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html (2026-11-22)
    return allow(
        "KeyThroughLedger",
        [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ],
        [key.key_arn],
        through("dynamodb"),
    )


def through(*services: str) -> dict[str, object]:
    """Return the condition that a key is used through one of these services of the region."""
    return {"StringEquals": {"kms:ViaService": [f"{one}.{Aws.REGION}.amazonaws.com" for one in services]}}


def through_key(key: kms.IKey, actions: list[str], *services: str) -> iam.PolicyStatement:
    """Allow use of the customer key through services, and not by itself."""
    sid = "KeyThrough" + "".join(service.title() for service in services)
    return allow(sid, actions, [key.key_arn], through(*services))


def allow(
    sid: str, actions: list[str], resources: list[str], conditions: dict[str, object] | None = None
) -> iam.PolicyStatement:
    """Return a statement that allows actions on resources."""
    return iam.PolicyStatement(sid=sid, actions=actions, resources=resources, conditions=conditions)
