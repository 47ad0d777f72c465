"""A part of a large run: surveys its range, looks its piece through, sends it, as the run's record says."""

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

AT_WORK = frozenset({RunState.RUNNING, RunState.WAITING})  # the states of a run whose parts may do something


class ActivePart(Invocation):
    """A claimed part and what one invocation needs to bring it forward; fan_out says how parts play together."""

    def advance(self) -> RunState:
        """Bring the part as far as this invocation can.

        It writes nothing but its own record, its own next message and rejects: what the company hears is the run's
        to say. Raises LeaseLost, and lets through what nobody foresaw, as a run does.
        """
        try:
            whole = self.held.ledger.read(self.identity.run_id)  # behind the claim: see fan_out
            if whole is not None:
                catch_up(self.held.run, whole.progress)
            return self._go_on(whole) if whole is not None and self._is_wanted(whole) else self._rest()
        except AudienceLocked:
            return self._wait(
                Retryable("audience_locked", "another drop is being sent to this audience", after_s=20)
            )
        except Superseded:
            return self._rest()  # the run finds out by itself, and ends
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
        """Whether the run waits for something of this part."""
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
            return self._rest()
        early_s = run.not_before - self.clock()
        if early_s > 1:
            return self._hand_on(RunState.WAITING, early_s)
        run.state, run.code, run.sentence = RunState.RUNNING, "", ""
        publisher = self.find_publisher()
        run.audience_lock = whole.audience_lock
        self.acquire_audience(publisher, begun=whole.opened is not None)  # the run's lock may have ended
        run.progress.plan.etag, run.progress.plan.reading = whole.progress.plan.etag, whole.progress.plan.reading
        match split.phase:
            case Phase.SURVEY:
                self._survey(split)
            case Phase.SCREEN:
                self._screen(split)
            case _ if not self._send(publisher, split, whole):
                return self._continue()
        return self._rest()

    def _survey(self, split: RunSplit) -> None:
        reader, _ = self.open_drop()
        if not isinstance(reader, DelimitedReader | JsonLinesReader):
            raise Rejected("object_changed", "the object is not what this run began with; nothing more is sent")
        timeout_s = self.platform.limits.timeout_s
        source = _Minded(reader.text.source, lambda: self._mind(timeout_s))
        minded = replace(reader, text=replace(reader.text, source=source))
        self.held.run.progress.plan.survey = survey(minded, self._part, split.range_bytes)

    def _screen(self, split: RunSplit) -> None:
        progress, piece = self.held.run.progress, piece_of(split, self._part)
        if progress.checkpoint.scanned == Cursor():
            progress.checkpoint.scanned = piece.start
        reader, mapped = self.open_drop()
        self.screen(reader, mapped.fields, self.platform.limits.timeout_s, piece)

    def _send(self, publisher: Publisher, split: RunSplit, whole: Run) -> bool:
        """Send what is left of the piece; gives False when time ran out first."""
        run, piece, opened = self.held.run, piece_of(split, self._part), whole.opened
        if opened is None:
            raise Rejected("no_audience", "the parts were begun without an audience; the run's record is damaged")
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

    def _mind(self, timeout_s: float) -> None:
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
        """Queue the continuation, then release the lease, in the order a run does and for its reasons."""
        self.held.run.state = state
        self.note_time()
        self.held.save()
        self.queue_next(wait_s)
        self.held.save(release=True)
        return state

    def _rest(self) -> RunState:
        """Release the lease and send no message: the run does, when it wants more of this part."""
        self.note_time()
        self.held.save(release=True)
        return self.held.run.state

    def _stop(self, state: RunState, error: ActivationError) -> RunState:
        """Leave the reason for the run to find."""
        run = self.held.run
        run.state, run.code, run.sentence = state, error.code, error.sentence
        run.not_before, run.no_progress = 0.0, 0
        return self._rest()


@dataclass(frozen=True)
class _Minded:
    """A source whose every read looks after the lease and the time first."""

    source: ByteSource
    mind: Callable[[], None]

    @property
    def size_bytes(self) -> int:
        return self.source.size_bytes

    def read(self, offset: int, length: int) -> bytes:
        self.mind()
        return self.source.read(offset, length)
