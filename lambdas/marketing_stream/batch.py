"""A batch from a queue, and the answer that tells Lambda which messages to retry.

`activation.aws.sqs_edge` is not used: it handles one message at a time, while here a whole batch is one call of
Firehose.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.aws.visibility import backoff_s, postpone

from lambdas.marketing_stream.logs import event

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

_LOG = logging.getLogger(__name__)

# A failed message returns sooner than the queue's own timeout, which is meant for a worker that died.
_SOONEST_S, _LATEST_S = 5, 180


@dataclass(frozen=True)
class Received:
    """One message as Lambda hands it over; `receives` counts from 1. `key` names it within its batch."""

    key: str
    message_id: str
    receipt: str
    body: str
    receives: int


def received(lambda_event: Mapping[str, Any]) -> list[Received]:
    """Read the batch. A missing or malformed member is read as empty, and never affects the other messages."""
    messages: list[Received] = []
    seen: dict[str, set[str]] = {}
    for record in lambda_event.get("Records") or ():
        message_id = _text(record.get("messageId"))
        body = _text(record.get("body"))
        bodies = seen.setdefault(message_id, set())
        if body in bodies:
            continue
        bodies.add(body)
        # SQS gives each message a unique id. Should two share one, neither may stand for the other.
        key = message_id if len(bodies) == 1 and message_id else f"{message_id}#{len(bodies)}"
        receipt = _text(record.get("receiptHandle"))
        messages.append(Received(key, message_id, receipt, body, _receives(record.get("attributes"))))
    return messages


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _receives(attributes: object) -> int:
    count = attributes.get("ApproximateReceiveCount") if isinstance(attributes, Mapping) else None
    return max(int(count), 1) if isinstance(count, str) and count.isascii() and count.isdigit() else 1


def retry_messages(
    sqs: SQSClient, queue_url: str, messages: Iterable[Received]
) -> dict[str, list[dict[str, str]]]:
    """Make messages visible again soon (later, the more often they were received); return Lambda's answer.

    A message without an id is answered with an empty one, which Lambda takes for the whole batch:
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html, read 2026-11-22.
    """
    failed = list(messages)
    waits_s = [(one.receipt, backoff_s(_SOONEST_S, one.receives, longest_s=_LATEST_S)) for one in failed]
    if code := postpone(sqs, queue_url, waits_s):
        event(_LOG, logging.WARNING, "wait not shortened", error=code)
    return {"batchItemFailures": [{"itemIdentifier": message.message_id} for message in failed]}
