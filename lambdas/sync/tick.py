"""The tick: every few minutes, one message for each declaration whose slot has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lambdas.sync.due import due_slot
from lambdas.sync.messages import SlotWork

if TYPE_CHECKING:
    from activation.errors import ActivationError
    from mypy_boto3_sqs import SQSClient

    from lambdas.sync.catalogue import Found
    from lambdas.sync.slots import Slots


@dataclass(frozen=True)
class Ticked:
    """What a tick did: the slots it found due, and what kept tables from being read, by their names."""

    due: tuple[SlotWork, ...]
    problems: dict[str, ActivationError]


def tick(
    found: Found, slots: Slots, sqs: SQSClient, queue_url: str, *, clock: Callable[[], datetime] | None = None
) -> Ticked:
    """Queue a message for each slot that is due.

    The message is sent before the slot is noted: a tick that dies in between is repeated by the next one, and of
    two messages for one slot the claim lets one through. Raises what SQS and the ledger raise.
    """
    now = clock() if clock else datetime.now(UTC)
    due = []
    for declaration in found.declarations:
        slot = due_slot(declaration, now, slots.read(declaration.name).newest_slot)
        if slot is None:
            continue
        work = SlotWork(declaration.name, slot.name)
        sqs.send_message(QueueUrl=queue_url, MessageBody=work.body())
        slots.note(declaration.name, slot.name)
        due.append(work)
    return Ticked(tuple(due), found.problems)
