"""The tick: every few minutes, one message for each declaration whose slot has come.

The function that ticks extracts the first of these slots itself, at once: most ticks find one slot, or none, and
the message would start a second process, which reads the declarations again. The slot's message is sent all the
same, delayed: it finds the slot extracted, or extracts it if the process died.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lambdas.sync.due import due_slot
from lambdas.sync.messages import SlotWork
from lambdas.sync.upcoming import Coming, coming

if TYPE_CHECKING:
    from activation.errors import ActivationError
    from mypy_boto3_sqs import SQSClient

    from lambdas.sync.catalogue import Found
    from lambdas.sync.declaration import Declaration
    from lambdas.sync.slots import Slots

FALLBACK_DELAY_S = 60  # the delay of the first slot's own message: most extractions have ended by then


@dataclass(frozen=True)
class Ticked:
    """What a tick did: the slots it found due, and what kept tables from being read, by their names.

    `taken` is the declaration of the first of them, which the tick is to extract; None where none is due.
    `coming` is what comes next of the rows of tables, by their declarations' names.
    """

    due: tuple[SlotWork, ...]
    problems: dict[str, ActivationError]
    taken: Declaration | None = None
    coming: dict[str, Coming] = field(default_factory=dict)


def tick(
    found: Found, slots: Slots, sqs: SQSClient, queue_url: str, *, clock: Callable[[], datetime] | None = None
) -> Ticked:
    """Queue a message for each slot that is due.

    The message is sent before the slot is noted: a tick that dies in between is repeated by the next one, and of
    two messages for one slot the claim lets one through. Raises what SQS and the ledger raise.
    """
    now = clock() if clock else datetime.now(UTC)
    due, taken, following = list[SlotWork](), None, dict[str, Coming]()
    for declaration in found.declarations:
        newest = slots.read(declaration.name).newest_slot
        slot = due_slot(declaration, now, newest)
        if declaration.row is not None:
            following[declaration.name] = coming(declaration, now, slot.name if slot else newest)
        if slot is None:
            continue
        work = SlotWork(declaration.name, slot.name)
        delay_s = 0 if due else FALLBACK_DELAY_S
        sqs.send_message(QueueUrl=queue_url, MessageBody=work.body(), DelaySeconds=delay_s)
        slots.note(declaration.name, slot.name)
        taken = taken or declaration
        due.append(work)
    return Ticked(tuple(due), found.problems, taken, following)
