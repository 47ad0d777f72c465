"""Dead letters as they lie in their queue: why each is there, and of which run. None is moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.codes import explain

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

HIDDEN_S = (
    5  # visibility timeout while they are read, so that each receive returns others; a redrive waits as long
)
READ_S = 3.0  # less than that, so that none comes twice
NO_REASON = (
    "repeated_failure"  # of a message that SQS moved itself, after the function had failed with it too often
)


@dataclass(frozen=True)
class Letter:
    """A dead letter: a stable `code` and its `sentence`, the run's id, "" for none, and when it was sent."""

    code: str
    sentence: str
    run_id: str
    sent_at: float


@dataclass(frozen=True)
class LetterGroup:
    """Letters with one code: how many were seen, one's sentence, their runs, the oldest first, and its time."""

    code: str
    count: int
    sentence: str
    run_ids: tuple[str, ...]
    oldest_at: float


def read_letters(sqs: SQSClient, url: str, clock: Callable[[], float] = time.monotonic) -> list[Letter]:
    """Return as many letters of a queue as can be read in some seconds; they stay there.

    SQS has no call that only looks: the letters are hidden for `HIDDEN_S` seconds.
    """
    found: dict[str, Letter] = {}
    ends = clock() + READ_S
    while clock() < ends:
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HIDDEN_S,
            MessageAttributeNames=["code", "reason", "run_id"],
            MessageSystemAttributeNames=["SentTimestamp"],
        ).get("Messages", [])
        new = {one["MessageId"]: _letter(one) for one in messages if one["MessageId"] not in found}
        if not new:
            break
        found |= new
    return list(found.values())


def _letter(message: Any) -> Letter:
    attributes = message.get("MessageAttributes") or {}

    def text(name: str) -> str:
        return str(attributes.get(name, {}).get("StringValue", ""))

    sent_at = float(message.get("Attributes", {}).get("SentTimestamp", "0")) / 1000
    return Letter(text("code") or NO_REASON, text("reason"), text("run_id"), sent_at)


def by_code(letters: Iterable[Letter]) -> tuple[LetterGroup, ...]:
    """Return letters grouped by their codes, the largest group first."""
    groups: dict[str, list[Letter]] = {}
    for one in sorted(letters, key=lambda letter: letter.sent_at):
        groups.setdefault(one.code, []).append(one)
    found = [
        LetterGroup(
            code,
            len(of),
            next((one.sentence for one in of if one.sentence), "") or explain(code).happened,
            tuple(dict.fromkeys(one.run_id for one in of if one.run_id)),
            of[0].sent_at,
        )
        for code, of in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: (-group.count, group.code)))
