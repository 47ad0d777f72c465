"""An invocation from end to end: the work that a record asks for, then the step that follows."""

from __future__ import annotations

from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from activation.errors import ActivationError
from activation.ledger.audience_lock import AudienceLocked, Superseded
from activation.ledger.runs import RunState
from activation.runs.invocation import Invocation
from activation.runs.states import ENDS, MAX_DELAY_S, Next, StateMachine, Step

EXPECTED = (ActivationError, AudienceLocked, Superseded, ClientError, BotoCoreError)
LEFT_AGAIN = 2  # how often an error while a record is left decides the step anew


class Active(Protocol):
    """A claimed run, or a claimed part of one."""

    @property
    def machine(self) -> StateMachine:
        """Return the record's states."""
        ...

    def work(self) -> Next:
        """Do what the record's state asks for, and return the step that follows; raises what stops the work."""
        ...

    def leave(self, step: Next) -> RunState:
        """Take the step."""
        ...


class Effects(Protocol):
    """What a run does for a step, besides saving its record and queueing its next message; a part does not."""

    def waits(self, step: Next) -> None:
        """Report a run that will continue; its record is saved, and its next message not yet queued."""
        ...

    def ends(self, step: Next) -> None:
        """Report a run that has ended; its record is not saved yet."""
        ...

    def end_at_once(self, step: Next) -> bool:
        """Save the record of a run that has ended, release its lease and free its audience, in one transaction.

        Return False if that is not to be, or one of them is not as it was; then nothing was written.
        """
        ...

    def left(self, step: Next) -> None:
        """Free what a run that has ended held, or ask to be woken; the record is saved and its lease released."""
        ...


def advance(active: Active) -> RunState:
    """Advance a record as far as this invocation can, and leave it in a state that the next one can resume.

    Raises LeaseLost when another worker holds the record by now. Unexpected errors pass through: nothing is
    released then, the lease expires and the message returns. So do errors after the release, since a run that has
    ended must not wait or stop again.
    """
    try:
        step = active.work()
    except EXPECTED as error:
        step = active.machine.after(error)
    for _ in range(LEFT_AGAIN):
        try:
            return active.leave(step)
        except EXPECTED as error:  # raised while the record was left for another reason
            if active.machine.is_released:
                raise
            step = active.machine.after(error)
    return active.leave(step)


def leave(invocation: Invocation, step: Next, effects: Effects | None) -> RunState:
    """Take a step: save the record, queue the next message or report the end, and release the lease.

    The next message is queued before the lease is released: a crash between the two leaves two messages, of which
    the lease lets one proceed; the other order would leave none. The record is saved before either, so that a
    worker that lost the lease queues and reports nothing. `effects` are what a run also does, None for a part.
    """
    held = invocation.held
    if effects and step.step in ENDS:
        held.affirm()  # raises LeaseLost: only the run's holder may do what follows
    step.write_to(held.run)
    invocation.note_time()
    if step.step in (Step.WAIT, Step.CONTINUE):
        held.save()
        if effects:
            effects.waits(step)
        _queue_next(invocation, step.after_s)
    elif effects:
        effects.ends(step)
    if effects:  # a part is sent another message by its run
        held.run.message = "" if step.step is Step.FINISH else invocation.work.next_message()
    if not (effects and step.step in ENDS and effects.end_at_once(step)):
        held.save(release=True)
    if effects:
        effects.left(step)
    return step.state


def _queue_next(invocation: Invocation, wait_s: float) -> None:
    """Queue the record's next message, delayed by `wait_s` seconds or by SQS's maximum."""
    connector = invocation.connector
    connector.clients.sqs.send_message(
        QueueUrl=connector.settings.queue_url,
        MessageBody=invocation.work.next_message(),
        DelaySeconds=max(1, min(MAX_DELAY_S, round(wait_s))),
    )
