"""A part of a large run: it surveys its range, scans its piece or sends it, as the run's record says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from activation.drops.chunk import ByteSource
from activation.drops.delimited import DelimitedReader
from activation.drops.folder_ranges import survey_range
from activation.drops.folder_reader import FolderReader
from activation.drops.json_lines import JsonLinesReader
from activation.drops.ranges import survey
from activation.errors import Rejected
from activation.ledger.runs import Run, RunState
from activation.ledger.split import Phase, RunSplit
from activation.model import Cursor
from activation.pipeline.client import OutOfTime
from activation.platforms.publisher import Publisher
from activation.runs.advance import leave
from activation.runs.destination import KnownDestination, acquire_audience
from activation.runs.drop import RunDrop
from activation.runs.invocation import Invocation
from activation.runs.requests import find_publisher, platform_client, sender_of
from activation.runs.split import catch_up, is_done, piece_of
from activation.runs.states import Next, StateMachine, Step

AT_WORK = frozenset({RunState.RUNNING, RunState.WAITING})  # the states of a run whose parts may work


@dataclass(frozen=True)
class ActivePart:
    """A claimed part; `fan_out` explains how parts work together.

    It writes only its own record, its own next message and rejects; the run writes the receipt and the events.
    `invocation` is what holds the part, `machine` its states, `part` its number in the file's order from 0.
    """

    invocation: Invocation
    machine: StateMachine
    part: int

    def work(self) -> Next:
        """Do what the run's record asks of this part, and return the step that follows."""
        held = self.invocation.held
        whole = held.ledger.read(self.invocation.identity.run_id)  # after the claim: see fan_out
        if whole is None:
            return self.machine.idle()
        catch_up(held.run, whole.progress)
        split = whole.progress.plan.split
        if split is not None and split.phase is Phase.SEND:
            self.invocation.suspect_in_flight()
        if split is None or not self._is_wanted(whole, split) or self.invocation.orders.look():
            return self.machine.idle()
        return self.machine.early() or self._go_on(whole, split)

    def leave(self, step: Next) -> RunState:
        """Take the step; if somebody has asked for the run to end, the run has the part continue if it goes on."""
        if self.invocation.orders.ending and step.step is Step.CONTINUE:
            step = self.machine.idle()
        return leave(self.invocation, step, None)

    def _is_wanted(self, whole: Run, split: RunSplit) -> bool:
        """Return whether the run still needs this part to do something."""
        return (
            whole.state in AT_WORK
            and split.ending is None
            and self.part < split.parts
            and not is_done(split, self.invocation.held.run)
            and (split.phase is not Phase.SEND or whole.opened is not None)
        )

    def _go_on(self, whole: Run, split: RunSplit) -> Next:
        invocation, run = self.invocation, self.invocation.held.run
        run.state, run.code, run.sentence = RunState.RUNNING, "", ""
        publisher = find_publisher(invocation)
        run.audience_lock = whole.audience_lock
        begun = whole.opened is not None
        acquire_audience(invocation, publisher, begun=begun)  # the run's own lock may have expired
        own, plan = run.progress.plan, whole.progress.plan
        own.etag, own.reading, own.listing, own.options = plan.etag, plan.reading, plan.listing, plan.options
        match split.phase:
            case Phase.SURVEY:
                self._survey(split)
            case Phase.SCAN:
                self._scan(split)
            case _ if not self._send(publisher, split, whole):
                return self.machine.out_of_time()
        return self.machine.idle()

    def _survey(self, split: RunSplit) -> None:
        reader = RunDrop.open(self.invocation).reader
        plan = self.invocation.held.run.progress.plan
        if isinstance(reader, FolderReader):
            plan.survey = survey_range(reader, self.part, split.range_bytes, self._guarded)
            return
        if not isinstance(reader, DelimitedReader | JsonLinesReader):
            raise Rejected("object_changed", "the object is not what this run began with; nothing more is sent")
        guarded = replace(reader, text=replace(reader.text, source=self._guarded(reader.text.source)))
        plan.survey = survey(guarded, self.part, split.range_bytes)

    def _guarded(self, source: ByteSource) -> ByteSource:
        return _GuardedSource(source, self._check)

    def _scan(self, split: RunSplit) -> None:
        checkpoint, piece = self.invocation.held.run.progress.checkpoint, piece_of(split, self.part)
        if checkpoint.scanned == Cursor():
            checkpoint.scanned = piece.start
        RunDrop.open(self.invocation, piece).scan()

    def _send(self, publisher: Publisher, split: RunSplit, whole: Run) -> bool:
        """Send what is left of the piece; return False when time ran out first."""
        invocation, run = self.invocation, self.invocation.held.run
        piece, progress = piece_of(split, self.part), run.progress
        if whole.opened is None:
            raise Rejected(
                "no_audience", "the run dispatched its parts without an audience; its record is damaged"
            )
        if progress.checkpoint.cursor == Cursor():
            progress.checkpoint.cursor = piece.start
        drop = RunDrop.open(invocation, piece)
        drop.scan()
        sender = sender_of(
            invocation, platform_client(invocation, publisher), KnownDestination(whole.opened), drop.rejects
        )
        if not sender.send(drop.batches()):
            return False
        if not progress.tally.rows_settled == progress.checkpoint.cursor.row - piece.start.row == piece.rows:
            raise Rejected(
                "sums_differ",
                f"part {self.part} has {piece.rows} rows and {progress.tally.rows_settled} are accounted for",
            )
        run.state = RunState.APPLIED
        return True

    def _check(self) -> None:
        if not self.invocation.keep_and_may_go_on():
            raise OutOfTime("out_of_time", "the range could not be read within an invocation", after_s=1)


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
