"""A run's progress: the checkpoint to resume from, the tally for the receipt, the plan of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from activation.ledger.checkpoint import Checkpoint
from activation.ledger.compared_runs import ComparedRuns
from activation.ledger.file_plan import FilePlan
from activation.ledger.mirror_run import MirrorRun
from activation.ledger.split import Phase
from activation.ledger.tally import REFERENCES_KEPT, Tally
from activation.ledger.units import Span, Unit, add_left_out
from activation.model import Cursor, RunWarning
from activation.records import from_json, to_short_json


@dataclass
class Attempts:
    """How often a run began, and how long it waited for its audience.

    `starts` counts how often it started over, because the platform no longer had what was uploaded; it may not
    exceed `starts_max`. `created` says that the run has created the audience, or may have, and looks for it again.
    `queued_s` is how many seconds it has waited for its audience's lock; `queued_since` is the Unix time since
    when it has been waiting now, 0 when it is not.
    """

    starts: int = 0
    starts_max: int = 1
    created: bool = False
    queued_s: float = 0.0
    queued_since: float = 0.0


@dataclass
class Progress:
    """Everything the next invocation of a run, or of a part of one, needs; a few kB, whatever the file's size.

    `checkpoint` is where to resume, `tally` what the receipt counts, `plan` how the file is read, `attempts` how
    often the run began, `warnings` those of its newest receipt, `mirror` what a mirror knows besides, None for any
    other action, `compared` what an undo does. Owned by the one worker that holds the run's
    lease; its threads share it under a lock. All counts except those of requests include acknowledged units only,
    so a crash loses none and counts none twice.
    """

    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    tally: Tally = field(default_factory=Tally)
    plan: FilePlan = field(default_factory=FilePlan)
    attempts: Attempts = field(default_factory=Attempts)
    warnings: list[RunWarning] = field(default_factory=list)
    mirror: MirrorRun | None = None
    compared: ComparedRuns | None = None

    def __post_init__(self) -> None:
        self._open: dict[
            int, tuple[Span, set[str]]
        ] = {}  # spans in flight, with the keys of their unfinished uploads

    def begin(self, span: Span, keys: Iterable[str]) -> None:
        """Note a span whose uploads, by their keys, are about to be sent; spans begin in row order."""
        ahead = self.checkpoint.ahead
        waiting = {key for key in keys if Unit(span.first_row, span.last_row, key) not in ahead}
        self._open[span.first_row] = (span, waiting)
        self._advance()

    def acknowledge(
        self, unit: Unit, *, cells: Mapping[str, int], handle: str, reference: str, sent: bool = True
    ) -> None:
        """Note a unit as acknowledged; its rows are counted by the tally's `count_rows`.

        `cells` are its identifiers by field. `handle` is what the platform returned that closing the uploads or a
        later verdict needs, `reference` its trace of the call; "" for none. Of references the newest are kept.
        `sent` is False for a unit of which nothing may be sent, so that the platform has accepted none of it.
        """
        checkpoint, tally = self.checkpoint, self.tally
        tally.uploads += sent
        tally.resent += sent and self.attempts.starts > 0  # the platform had these members before, and lost them
        tally.identifiers.update(cells)
        checkpoint.ahead.add(unit)
        checkpoint.in_doubt = {one for one in checkpoint.in_doubt if one != unit and not unit.within(one)}
        checkpoint.numbers.pop(_name(unit), None)
        if handle:
            checkpoint.handles[_name(unit)] = handle
        if reference:
            tally.references = [*tally.references, reference][-REFERENCES_KEPT:]

    def handles_of(self, first_row: int, key: str) -> tuple[str, ...]:
        """Return the handles of an upload's parts, in row order."""
        prefix = f"{first_row:012d}/{key}/"
        handles = sorted(self.checkpoint.handles.items())
        return tuple(handle for name, handle in handles if name.startswith(prefix))

    def acknowledged_of(self, span: Span) -> tuple[Unit, ...]:
        """Return the units of a span that are acknowledged, in their order."""
        rows = (span.first_row, span.last_row)
        return tuple(sorted(one for one in self.checkpoint.ahead if (one.first_row, one.last_row) == rows))

    def has_parts(self, unit: Unit) -> bool:
        """Return whether a part of the unit was acknowledged."""
        return any(one.within(unit) for one in self.checkpoint.ahead)

    def halve(self, unit: Unit) -> None:
        """Note that the platform accepts the unit in halves only, so that it is not sent whole again."""
        self.checkpoint.halved.add(unit)
        if number := self.checkpoint.numbers.pop(
            _name(unit), 0
        ):  # numbers without gaps: the first half has it now
            self.checkpoint.numbers[f"{_name(unit)}0"] = number

    def number(self, unit: Unit) -> tuple[int, bool]:
        """Return a unit's number in its session, the same whenever it is sent, and whether it is a new one."""
        numbers, name = self.checkpoint.numbers, _name(unit)
        if name in numbers:
            return numbers[name], False
        self.checkpoint.numbered += 1
        numbers[name] = self.checkpoint.numbered
        return numbers[name], True

    def waits_for(self, unit: Unit) -> bool:
        """Return whether the unit's upload is in flight."""
        return unit.first_row in self._open and unit.key in self._open[unit.first_row][1]

    def finish_upload(self, unit: Unit) -> None:
        """Note that the unit's upload is complete."""
        self.checkpoint.ahead = {one for one in self.checkpoint.ahead if not one.same_upload(unit)}
        self.checkpoint.halved = {one for one in self.checkpoint.halved if not one.same_upload(unit)}
        self.checkpoint.ahead.add(Unit(unit.first_row, unit.last_row, unit.key))
        self._open[unit.first_row][1].discard(unit.key)
        self._advance()

    def is_last(self, unit: Unit) -> bool:
        """Return whether all uploads of the unit's span but this one are done."""
        return self._open[unit.first_row][1] <= {unit.key}

    def _advance(self) -> None:
        """Move the cursor past the leading spans that are done, and count what they rejected and left out."""
        for first_row in sorted(self._open):
            span, waiting = self._open[first_row]
            if waiting:
                return
            self.checkpoint.cursor = span.after
            self.tally.rejected_by_us.update(span.rejected)
            add_left_out(self.tally.left_out, span.left_out)
            self.tally.mended += span.mended
            self.tally.by_row += span.by_row
            self.checkpoint.ahead = {unit for unit in self.checkpoint.ahead if unit.first_row != first_row}
            del self._open[first_row]

    def start_over(self, *, created: bool = False) -> None:
        """Start over at the first row, because everything has to be uploaded again.

        The drop is not scanned again.
        """
        self.begin_stage()
        self.tally.forget_rows()
        self.attempts.starts += 1
        self.attempts.created |= created

    def begin_stage(self, after: Cursor | None = None) -> None:
        """Begin to send something else of the run, after a cursor of its own: nothing of it is in flight.

        The drop is not scanned again.
        """
        before = self.checkpoint
        self.checkpoint = Checkpoint(
            cursor=after or Cursor(),
            scanned=before.scanned,
            scanned_whole=before.scanned_whole,
            refused=before.refused,
        )
        self._open = {}

    def done(self, unit: Unit) -> bool:
        """Return whether the unit was acknowledged, in this or an earlier invocation."""
        return unit in self.checkpoint.ahead

    def begun_parts(self, unit: Unit) -> bool:
        """Return whether the unit is known to be accepted in halves only."""
        if unit in self.checkpoint.halved:
            return True
        return any(one.within(unit) for one in (*self.checkpoint.ahead, *self.checkpoint.in_doubt))

    def doubt(self, unit: Unit, *, begin: bool = False) -> bool:
        """Return whether the platform may have the unit although it was not acknowledged.

        With `begin`, this worker is about to send the unit for the first time: it is taken to be in doubt when it
        is among the units that a dead worker may have sent.
        """
        if begin and self.checkpoint.suspects > 0:
            self.checkpoint.suspects -= 1
            self.checkpoint.in_doubt.add(unit)
        return unit in self.checkpoint.in_doubt

    def resolve(self, unit: Unit, *, in_doubt: bool) -> None:
        """Note whether a unit is still in doubt after it was sent without being acknowledged."""
        if not in_doubt:
            self.checkpoint.in_doubt.discard(unit)
        elif unit not in self.checkpoint.ahead:
            self.checkpoint.in_doubt.add(unit)

    @property
    def work_done(self) -> int:
        """Return how many rows were settled or scanned; an invocation that adds none made no progress."""
        earlier = self.mirror.settled if self.mirror else 0
        compared = self.compared.rows if self.compared else 0
        return self.tally.rows_settled + self.checkpoint.scanned.row + earlier + compared

    @property
    def may_have_sent(self) -> bool:
        """Return whether the platform has rows of the run, or may have: in doubt it may."""
        checkpoint, split = self.checkpoint, self.plan.split
        is_ahead = bool(checkpoint.ahead or checkpoint.in_doubt or checkpoint.suspects)
        return is_ahead or self.tally.acknowledged > 0 or (split is not None and split.phase is not Phase.ALONE)

    def to_json(self) -> str:
        """Return the record as short text: each request writes it, and DynamoDB charges for each started kB."""
        return to_short_json(self)

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """Read what `to_json` wrote; raises DamagedRecord."""
        return from_json(text, cls)


def _name(unit: Unit) -> str:
    return f"{unit.first_row:012d}/{unit.key}/{unit.part}"
