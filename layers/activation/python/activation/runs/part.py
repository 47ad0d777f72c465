"""A part of a large run: it surveys its range, scans its piece or sends it, as the run's record says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import classify
from activation.drops.chunk import ByteSource
from activation.drops.delimited import DelimitedReader
from activation.drops.json_lines import JsonLinesReader
from activation.drops.ranges import survey
from activation.errors import ActivationError, ConfigError, Rejected, Retryable
from activation.ledger.audience_lock import AudienceLocked, Superseded
from activation.ledger.runs import Run, RunState
from activation.ledger.split import Phase, RunSplit
from activation.model import Cursor
from activation.pipeline.client import OutOfTime
from activation.platforms.publisher import Publisher
from activation.runs.fan_out import catch_up, is_done, piece_of
from activation.runs.invocation import Invocation

AT_WORK = frozenset({RunState.RUNNING, RunState.WAITING})  # the states of a run whose parts may work


class ActivePart(Invocation):
    """A claimed part, and what one invocation needs to advance it; `fan_out` explains how parts work together."""

    def advance(self) -> RunState:
        """Advance the part as far as this invocation can.

        It writes only its own record, its own next message and rejects; the run writes the receipt and the events.
        Raises LeaseLost; unexpected errors pass through, as in a run.
        """
        try:
            whole = self.held.ledger.read(self.identity.run_id)  # after the claim: see fan_out
            if whole is not None:
                catch_up(self.held.run, whole.progress)
            return self._go_on(whole) if whole is not None and self._is_wanted(whole) else self._release()
        except AudienceLocked:
            return self._wait(
                Retryable("audience_locked", "another drop is being sent to this audience", after_s=20)
            )
        except Superseded:
            return self._release()  # the run finds out by itself and ends
        except ActivationError as error:
            return self._halt(error)
        except (ClientError, BotoCoreError) as error:
            return self._halt(classify(error))

    @property
    def _part(self) -> int:
        if self.work.part is None:
            raise Rejected("no_part", "the message is for a run, not for a part of it")
        return self.work.part

    def _is_wanted(self, whole: Run) -> bool:
        """Return whether the run still needs this part to do something."""
        split = whole.progress.plan.split
        return (
            whole.state in AT_WORK
            and split is not None
            and split.ending is None
            and self._part < split.parts
            and not is_done(split, self.held.run)
            and (split.phase is not Phase.SEND or whole.opened is not None)
        )

    def _go_on(self, whole: Run) -> RunState:
        run, split = self.held.run, whole.progress.plan.split
        if split is None:
            return self._release()
        early_s = run.not_before - self.clock()
        if early_s > 1:
            return self._hand_on(RunState.WAITING, early_s)
        run.state, run.code, run.sentence = RunState.RUNNING, "", ""
        publisher = self.find_publisher()
        run.audience_lock = whole.audience_lock
        self.acquire_audience(publisher, begun=whole.opened is not None)  # the run's own lock may have expired
        run.progress.plan.etag, run.progress.plan.reading = whole.progress.plan.etag, whole.progress.plan.reading
        match split.phase:
            case Phase.SURVEY:
                self._survey(split)
            case Phase.SCAN:
                self._scan(split)
            case _ if not self._send(publisher, split, whole):
                return self._continue()
        return self._release()

    def _survey(self, split: RunSplit) -> None:
        reader, _ = self.open_drop()
        if not isinstance(reader, DelimitedReader | JsonLinesReader):
            raise Rejected("object_changed", "the object is not what this run began with; nothing more is sent")
        timeout_s = self.platform.limits.timeout_s
        source = _GuardedSource(reader.text.source, lambda: self._check(timeout_s))
        guarded = replace(reader, text=replace(reader.text, source=source))
        self.held.run.progress.plan.survey = survey(guarded, self._part, split.range_bytes)

    def _scan(self, split: RunSplit) -> None:
        progress, piece = self.held.run.progress, piece_of(split, self._part)
        if progress.checkpoint.scanned == Cursor():
            progress.checkpoint.scanned = piece.start
        reader, mapped = self.open_drop()
        self.scan(reader, mapped.columns, self.platform.limits.timeout_s, piece)

    def _send(self, publisher: Publisher, split: RunSplit, whole: Run) -> bool:
        """Send what is left of the piece; return False when time ran out first."""
        run, piece, opened = self.held.run, piece_of(split, self._part), whole.opened
        if opened is None:
            raise Rejected(
                "no_audience", "the run dispatched its parts without an audience; its record is damaged"
            )
        if run.progress.checkpoint.cursor == Cursor():
            run.progress.checkpoint.cursor = piece.start
        if not self.send(self.platform_client(publisher), lambda: opened, piece):
            return False
        if (
            not run.progress.tally.rows_settled
            == run.progress.checkpoint.cursor.row - piece.start.row
            == piece.rows
        ):
            raise Rejected(
                "sums_differ",
                f"part {self._part} has {piece.rows} rows and {run.progress.tally.rows_settled} are accounted for",
            )
        run.state = RunState.APPLIED
        return True

    def _check(self, timeout_s: float) -> None:
        if not self.keep_and_may_go_on(timeout_s):
            raise OutOfTime("out_of_time", "the range could not be read within an invocation", after_s=1)

    def _halt(self, error: ActivationError) -> RunState:
        match error:
            case OutOfTime():
                return self._continue()
            case Retryable():
                return self._wait(error)
            case ConfigError():
                return self._stop(RunState.BLOCKED, error)
            case _:
                return self._stop(RunState.FAILED, error)

    def _continue(self) -> RunState:
        if self.stalled():
            return self._stop(
                RunState.FAILED, Rejected("no_progress", "a part's invocations acknowledged nothing")
            )
        self.held.run.not_before = 0.0
        return self._hand_on(RunState.RUNNING, 1)

    def _wait(self, error: Retryable) -> RunState:
        run, wait_s = self.held.run, self.wait_s(error)
        if wait_s is None:
            return self._stop(RunState.FAILED, Rejected(error.code, f"{error.sentence}; given up"))
        run.code, run.sentence, run.not_before = error.code, error.sentence, self.clock() + wait_s
        return self._hand_on(RunState.WAITING, wait_s)

    def _hand_on(self, state: RunState, wait_s: float) -> RunState:
        """Queue the continuation, then release the lease: in this order for the reason that ActiveRun gives."""
        self.held.run.state = state
        self.note_time()
        self.held.save()
        self.queue_next(wait_s)
        self.held.save(release=True)
        return state

    def _release(self) -> RunState:
        """Release the lease and queue nothing: the run dispatches the part again when it needs more of it."""
        self.note_time()
        self.held.save(release=True)
        return self.held.run.state

    def _stop(self, state: RunState, error: ActivationError) -> RunState:
        """Record the reason, which the run finds at its next poll."""
        run = self.held.run
        run.state, run.code, run.sentence = state, error.code, error.sentence
        run.not_before, run.no_progress = 0.0, 0
        return self._release()


@dataclass(frozen=True)
class _GuardedSource:
    """A source that calls `check` before each read, to keep the lease and watch the time."""

    source: ByteSource
    check: Callable[[], None]

    @property
    def size_bytes(self) -> int:
        return self.source.size_bytes

    def read(self, offset: int, length: int) -> bytes:
        self.check()
        return self.source.read(offset, length)
