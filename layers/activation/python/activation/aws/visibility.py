"""When a message that failed returns: not after its queue's own timeout, which is there for a worker that died.

Imports neither Powertools nor boto3, so that it costs no cold start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import code_of

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
# (read 2026-11-29): ten messages, none for longer than twelve hours.
_ENTRIES = 10
MAX_S = 12 * 3600


def backoff_s(first_s: float, receives: int, *, longest_s: float = MAX_S) -> float:
    """Return `first_s` doubled for each receive after the first, `longest_s` at most."""
    return min(first_s * float(2 ** min(max(receives - 1, 0), 16)), longest_s)


def postpone(sqs: SQSClient, queue_url: str, waits_s: Sequence[tuple[str, float]]) -> str:
    """Let messages return after so many seconds each, by their receipt handles.

    Return "", or the code of the first failure: then messages are left to the queue's own timeout. Nothing is
    raised, and no further call made once one has failed: the invocation's time is not for waiting on SQS.
    """
    code = ""
    for first in range(0, len(waits_s), _ENTRIES):
        try:
            answer = sqs.change_message_visibility_batch(
                QueueUrl=queue_url,
                Entries=[
                    {
                        "Id": str(number),
                        "ReceiptHandle": receipt,
                        "VisibilityTimeout": min(MAX_S, math.ceil(wait_s)),
                    }
                    for number, (receipt, wait_s) in enumerate(waits_s[first : first + _ENTRIES])
                ],
            )
        except (ClientError, BotoCoreError) as error:
            return code_of(error)
        for failed in answer.get("Failed", ()):
            code = code or failed["Code"]
    return code
