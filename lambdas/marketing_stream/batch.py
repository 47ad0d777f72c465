"""A batch from a queue and the answer Lambda wants: which of its messages are to come again."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.marketing_stream.logs import event

_LOG = logging.getLogger(__name__)

# A message that failed comes back sooner than the queue's own timeout, which is there for a worker that died.
_SOONEST_S, _LATEST_S = 5, 180


@dataclass(frozen=True)
class Received:
    """One message as Lambda hands it over; `receives` counts from 1."""

    message_id: str
    receipt: str
    body: str
    receives: int


def received(lambda_event: Mapping[str, Any]) -> list[Received]:
    """Read the batch. A body that is not a text is read as an empty one."""
    return [
        Received(
            message_id=record["messageId"],
            receipt=record.get("receiptHandle", ""),
            body=record["body"] if isinstance(record.get("body"), str) else "",
            receives=int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
        )
        for record in lambda_event.get("Records", ())
    ]


def come_again(sqs: Any, queue_url: str, messages: Iterable[Received]) -> dict[str, list[dict[str, str]]]:
    """Have messages come again soon, the later the oftener they came, and give Lambda's answer that says so."""
    failed = list(messages)
    for first in range(0, len(failed), 10):
        entries = [
            {
                "Id": str(number),
                "ReceiptHandle": message.receipt,
                "VisibilityTimeout": min(_SOONEST_S * 2 ** min(message.receives - 1, 10), _LATEST_S),
            }
            for number, message in enumerate(failed[first : first + 10])
        ]
        try:
            sqs.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)
        except (ClientError, BotoCoreError) as error:
            # Then they come after the queue's own timeout.
            event(_LOG, logging.WARNING, "wait not shortened", error=type(error).__name__)
    return {"batchItemFailures": [{"itemIdentifier": message.message_id} for message in failed]}
