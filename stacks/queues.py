"""Queues of the app: their messages name drops, queries and slots, and contain no member."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_sqs as sqs
from constructs import Construct


def encrypted_queue(
    scope: Construct,
    id_: str,
    *,
    retention: Duration,
    removal: RemovalPolicy | None = None,
    visibility_timeout: Duration | None = None,
    dead_letters: sqs.Queue | None = None,
    max_receives: int = 0,
) -> sqs.Queue:
    """Make a queue with SSE-SQS that takes requests over TLS alone.

    With a customer key, EventBridge could only deliver if the key that protects the drops were opened to a service
    principal. After `max_receives` a message goes to `dead_letters`, if there are any.
    """
    return sqs.Queue(
        scope,
        id_,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=retention,
        visibility_timeout=visibility_timeout,
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=max_receives)
        if dead_letters
        else None,
        removal_policy=removal,
    )
