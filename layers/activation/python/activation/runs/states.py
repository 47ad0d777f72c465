"""The states of a run and of its parts, as one machine: what ends an invocation, and which step follows.

`RUNS` and `PARTS` are the machine as a table; docs/architecture.md shows the same table to people.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import classify
from activation.errors import ActivationError, ConfigError, Rejected, Retryable
from activation.ledger.audience_lock import AudienceLocked, Superseded
from activation.ledger.runs import Run, RunState
from activation.pipeline.client import OutOfTime
from activation.runs.deadline import LOCKED, is_overdue, queue_up

MAX_DELAY_S = 900  # the longest an SQS message can be delayed
NO_PROGRESS_MAX = 20
SUPERSEDED = Superseded.sentence
# Codes of waits that only the deadline bounds.
WAITS = frozenset({"throttled", "busy", LOCKED, "pending", "replace_incomplete", "suppressions_changed"})


class Step(StrEnum):
    """What a record does when an invocation ends."""

    WAIT = "wait"  # a delayed message continues it
    CONTINUE = "continue"  # a message continues it at once
    FINISH = "finish"  # it has ended, and its message is done
    STOP = "stop"  # it has ended until somebody sends its next message, from the dead letters or its record
    RELEASE = "release"  # nothing continues it: the run sends a part another message when it needs the part again


ENDS = frozenset({Step.FINISH, Step.STOP})


class Cause(StrEnum):
    """What ends an invocation."""

    EARLY = "early"
    OUT_OF_TIME = "out_of_time"
    RETRYABLE = "retryable"
    PARTS_AT_WORK = "parts_at_work"
    DONE = "done"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    GIVEN_UP = "given_up"
    OVERDUE = "overdue"
    BLOCKED = "blocked"
    ORDERED = "ordered"  # somebody has stopped or discarded the run


@dataclass(frozen=True)
class Row:
    """What follows a cause: the step, and the states it may leave the record in; with none, the state stays."""

    step: Step
    states: frozenset[RunState] = frozenset()


def _row(step: Step, *states: RunState) -> Row:
    return Row(step, frozenset(states))


RUNS: Mapping[Cause, Row] = {
    Cause.EARLY: _row(Step.WAIT, RunState.WAITING, RunState.ACCEPTED),
    Cause.OUT_OF_TIME: _row(Step.CONTINUE, RunState.RUNNING, RunState.ACCEPTED),
    Cause.RETRYABLE: _row(Step.WAIT, RunState.WAITING, RunState.ACCEPTED),
    Cause.PARTS_AT_WORK: _row(Step.CONTINUE, RunState.RUNNING),
    Cause.DONE: _row(Step.FINISH, RunState.APPLIED, RunState.EMPTY),
    Cause.SUPERSEDED: _row(Step.FINISH, RunState.SUPERSEDED),
    Cause.REJECTED: _row(Step.STOP, RunState.FAILED),
    Cause.GIVEN_UP: _row(Step.STOP, RunState.FAILED),
    Cause.OVERDUE: _row(Step.STOP, RunState.FAILED),
    Cause.BLOCKED: _row(Step.STOP, RunState.BLOCKED),
    Cause.ORDERED: _row(Step.STOP, RunState.FAILED),
}
PARTS: Mapping[Cause, Row] = {
    Cause.EARLY: _row(Step.WAIT, RunState.WAITING),
    Cause.OUT_OF_TIME: _row(Step.CONTINUE, RunState.RUNNING),
    Cause.RETRYABLE: _row(Step.WAIT, RunState.WAITING),
    Cause.DONE: _row(Step.RELEASE),
    Cause.SUPERSEDED: _row(Step.RELEASE),
    Cause.REJECTED: _row(Step.STOP, RunState.FAILED),
    Cause.GIVEN_UP: _row(Step.STOP, RunState.FAILED),
    Cause.BLOCKED: _row(Step.STOP, RunState.BLOCKED),
}


@dataclass(frozen=True)
class Next:
    """The next step of a record.

    `cause` is what ended the invocation. `state`, `code`, `sentence`, `not_before` and `no_progress` are what the
    record then says. `after_s` is the delay of the next message in seconds, where the step sends one. `error` is
    why the run ends without success, None when it does not. `notes` are texts for the receipt, by code.
    """

    step: Step
    cause: Cause
    state: RunState
    code: str
    sentence: str
    not_before: float
    no_progress: int
    after_s: float = 0.0
    error: ActivationError | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def write_to(self, run: Run) -> None:
        """Write what the record says from now on."""
        run.state, run.code, run.sentence = self.state, self.code, self.sentence
        run.not_before, run.no_progress = self.not_before, self.no_progress


@dataclass(frozen=True)
class StateMachine:
    """Finds the next step of one record; it changes only how long the record has waited for its audience's lock.

    `run` is the record and `table` is RUNS, or PARTS for a part's. `deadline_s` is how many seconds a run may
    take, infinite for a part, which its run's deadline bounds. `clock` returns Unix seconds. `done_before` and
    `stalled_before` are the record's `work_done` and `no_progress` when the invocation began.
    """

    run: Run
    table: Mapping[Cause, Row]
    deadline_s: float
    clock: Callable[[], float]
    done_before: int
    stalled_before: int

    @classmethod
    def of_run(cls, run: Run, deadline_s: float, clock: Callable[[], float]) -> StateMachine:
        """Return the machine of a run that was just claimed."""
        return cls(run, RUNS, deadline_s, clock, run.progress.work_done, run.no_progress)

    @classmethod
    def of_part(cls, run: Run, clock: Callable[[], float]) -> StateMachine:
        """Return the machine of a part that was just claimed."""
        return cls(run, PARTS, math.inf, clock, run.progress.work_done, run.no_progress)

    @property
    def is_released(self) -> bool:
        """Return whether the record's lease was released, so that nothing of this invocation may change it."""
        return self.run.lease_until == 0

    def early(self) -> Next | None:
        """Return the step of a message that comes before the record is due, None for one that does not.

        A platform may ask for a longer wait than SQS can delay a message. A run that waits for its audience's lock
        is never early: it may have been woken.
        """
        early_s = self.run.not_before - self.clock()
        if early_s <= 1 or self.run.code == LOCKED:
            return None
        state = self._unless_closed(RunState.WAITING)
        return replace(self._next(Cause.EARLY, state), after_s=early_s, not_before=self.run.not_before)

    def overdue(self) -> Next | None:
        """Return the step of a record that has exceeded its deadline, None for one that has not."""
        if not is_overdue(self.run, self.deadline_s, self.clock()):
            return None
        hours, last = self.deadline_s / 3600, self.run.sentence
        why = f"; last: {last}" if last else ""
        error = Rejected("deadline", f"the run did not end within {hours:g} hours{why}; redrive it to continue")
        return self._stop(Cause.OVERDUE, error)

    def after(self, error: Exception) -> Next:
        """Return the step after an error; raises the error when it is none that a record expects."""
        match error:
            case ClientError() | BotoCoreError():
                return self.after(classify(error))
            case AudienceLocked():
                return self._wait(queue_up(self.run.progress, self.clock(), error.record))
            case Superseded():
                return self.superseded(error.sentence)
            case OutOfTime():
                return self.out_of_time()
            case Retryable():
                return self._wait(error)
            case ActivationError():
                return self.stop(error)
        raise error

    def stop(self, error: ActivationError) -> Next:
        """Return the step of a record that cannot go on, blocked by a ConfigError and failed by any other."""
        return self._stop(Cause.BLOCKED if isinstance(error, ConfigError) else Cause.REJECTED, error)

    def ordered(self, error: Rejected) -> Next:
        """Return the step of a run that somebody has asked to end, which leaves no dead letter."""
        return self._stop(Cause.ORDERED, error)

    def superseded(self, why: str) -> Next:
        """Return the step of a record whose object has a newer version; a part leaves the ending to its run.

        `why` is the sentence of the receipt.
        """
        if not self.table[Cause.SUPERSEDED].states:
            return replace(self._next(Cause.SUPERSEDED, self.run.state), not_before=self.run.not_before)
        newer = Rejected("superseded", why)
        step = self._next(Cause.SUPERSEDED, RunState.SUPERSEDED)
        return replace(step, error=newer, code=newer.code, sentence=newer.sentence)

    def done(self, state: RunState, notes: Mapping[str, str]) -> Next:
        """Return the step of a run that has ended in `state`; `notes` are for the receipt."""
        return replace(self._next(Cause.DONE, state), notes=notes)

    def idle(self) -> Next:
        """Return the step of a part that has nothing to do, or has done it."""
        return replace(self._next(Cause.DONE, self.run.state), not_before=self.run.not_before)

    def parts_at_work(self, poll_after_s: float) -> Next:
        """Return the step of a run that polls its parts again after `poll_after_s` seconds."""
        return replace(self._next(Cause.PARTS_AT_WORK, RunState.RUNNING), after_s=poll_after_s)

    def out_of_time(self) -> Next:
        """Return the step of a record that continues at once, because this invocation is out of time."""
        no_progress = self._no_progress()
        if no_progress > NO_PROGRESS_MAX:
            why = f"{NO_PROGRESS_MAX} invocations in a row acknowledged nothing"
            return self._stop(Cause.GIVEN_UP, Rejected("no_progress", why))
        state = self._unless_closed(RunState.RUNNING)
        return replace(self._next(Cause.OUT_OF_TIME, state), after_s=1.0, no_progress=no_progress)

    def _wait(self, error: Retryable) -> Next:
        """Return the step of a record that waits as long as the error says, or a backoff after a fault."""
        wait_s, no_progress = error.after_s, self.run.no_progress
        if error.code not in WAITS:
            no_progress = self._no_progress()
            if no_progress > NO_PROGRESS_MAX:
                return self._stop(Cause.GIVEN_UP, Rejected(error.code, f"{error.sentence}; given up"))
            wait_s = max(wait_s, min(MAX_DELAY_S, 5.0 * 2.0**no_progress))
        if is_overdue(self.run, self.deadline_s, self.clock()):
            too_long = Rejected("deadline", f"waited too long; last: {error.sentence}")
            return self._stop(Cause.OVERDUE, too_long)
        return replace(
            self._next(Cause.RETRYABLE, self._unless_closed(RunState.WAITING)),
            after_s=wait_s,
            not_before=self.clock() + wait_s,
            code=error.code,
            sentence=error.sentence,
            no_progress=no_progress,
        )

    def _stop(self, cause: Cause, error: ActivationError) -> Next:
        (state,) = self.table[cause].states
        step = self._next(cause, state)
        return replace(step, error=error, code=error.code, sentence=error.sentence, no_progress=0)

    def _next(self, cause: Cause, state: RunState) -> Next:
        run = self.run
        return Next(self.table[cause].step, cause, state, run.code, run.sentence, 0.0, run.no_progress)

    def _unless_closed(self, state: RunState) -> RunState:
        return RunState.ACCEPTED if self.run.progress.checkpoint.closed else state

    def _no_progress(self) -> int:
        """Return how many invocations in a row have made no progress, this one included."""
        return 0 if self.run.progress.work_done > self.done_before else self.stalled_before + 1
