"""Waking the run that waits longest for an audience, so that it need not poll the audience's lock."""

from __future__ import annotations

from contextlib import suppress

from botocore.exceptions import BotoCoreError, ClientError

from activation.errors import ActivationError
from activation.ledger.runs import STOPPED, Run
from activation.ledger.waiting_list import Waiter, WakeUp
from activation.runs.cold_start import Connector
from activation.runs.invocation import Invocation


def release_audience(connector: Connector, lock: str, run_id: str) -> None:
    """Release a run's audience lock and wake the run that has it next; `lock` is the lock's key, "" for none.

    Raises what the ledger raises. A message that cannot be sent is not sent again: its run tries by itself.
    """
    if wake_up := connector.locks.release(lock, run_id):
        _wake(connector, wake_up)


def await_audience(invocation: Invocation) -> None:
    """Have a run woken once it has its audience's lock; its record is saved, and its own next message queued.

    That message makes it try again in any case, so nothing is raised.
    """
    connector, run = invocation.connector, invocation.held.run
    waiter = Waiter(
        invocation.identity.run_id,
        run.progress.attempts.queued_since,
        run.continuation + 1,
        connector.settings.queue_url,
        invocation.work.next_message(),
    )
    with suppress(ActivationError):
        if not connector.locks.join(run.audience_lock, waiter):
            _wake(connector, WakeUp(waiter.queue_url, waiter.message))


def release_after_stop(connector: Connector, run: Run, run_id: str) -> None:
    """Release the audience lock that a stopped run could not release when it stopped.

    The run's record is claimed for it, so that a redrive, which needs the lock, cannot begin meanwhile; raises
    LeaseHeld when it has begun.
    """
    if not connector.locks.is_held_by(run.audience_lock, run_id):
        return
    claimed = connector.ledger.claim(run_id, run.continuation, {})
    if claimed.state in STOPPED:
        release_audience(connector, claimed.audience_lock, run_id)
    connector.ledger.save(claimed, release=True)


def _wake(connector: Connector, wake_up: WakeUp) -> None:
    """Send the message that its run has also queued with a delay: of two with one number, one is handled."""
    with suppress(ClientError, BotoCoreError):  # such as a queue of another connector that may not be written to
        connector.clients.sqs.send_message(QueueUrl=wake_up.queue_url, MessageBody=wake_up.message, DelaySeconds=0)
