"""A run's deadline, which does not count the time the run waits for other drops to its audience."""

from __future__ import annotations

from activation.aws.table import Item
from activation.errors import Retryable
from activation.ledger.progress import Attempts, Progress
from activation.ledger.runs import Run
from activation.ledger.waiting_list import ahead_of

LOCKED = "audience_locked"  # the code of a wait for the audience's lock
LOCK_AGAIN_S, LOCK_AT_LEAST_EVERY_S = 20.0, 300.0
LOCK_SHARE = 0.1  # an attempt is late by at most this share of the wait so far
AHEAD_S = 5.0  # for each run that is woken before: many waiters would else take the queue's workers to ask in vain


def queue_up(progress: Progress, now: float, record: Item) -> Retryable:
    """Note that the run waits for its audience's lock, and return when to try again unless it is woken before.

    That is later the longer it has waited, and the more runs of the lock's `record` will be woken before it. `now`
    is Unix seconds, here and below.
    """
    progress.attempts.queued_since = since = progress.attempts.queued_since or now
    after_s = max(LOCK_SHARE * (now - since), AHEAD_S * ahead_of(record, since), LOCK_AGAIN_S)
    return Retryable(
        LOCKED,
        "another drop is being sent to this audience",
        after_s=min(after_s, LOCK_AT_LEAST_EVERY_S),
    )


def has_lock(progress: Progress, now: float) -> None:
    """Note that the run has its audience's lock."""
    progress.attempts.queued_s, progress.attempts.queued_since = _queued_s(progress.attempts, now), 0.0


def begin_again(run: Run, now: float) -> None:
    """Reset the deadline and the number of starts of a stopped run that was redriven."""
    run.started_at, run.progress.attempts.queued_s, run.progress.attempts.queued_since = now, 0.0, 0.0
    run.progress.attempts.starts_max = run.progress.attempts.starts + 1


def is_overdue(run: Run, deadline_s: float, now: float) -> bool:
    """Return whether the run has exceeded its deadline; the drops it waits for have deadlines of their own."""
    return now - run.started_at - _queued_s(run.progress.attempts, now) > deadline_s


def _queued_s(attempts: Attempts, now: float) -> float:
    return attempts.queued_s + (now - attempts.queued_since if attempts.queued_since else 0.0)
