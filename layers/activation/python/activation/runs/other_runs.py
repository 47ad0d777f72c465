"""Whom other runs of an audience have sent too: found before an undo removes anybody, and left out of it.

First the drop that is undone is read, then those of the other runs, in the order of their starts: of these, the
identifiers are kept that the undone drop has as well, so that memory depends on that one drop alone. What a
removal took out is no longer kept. At last comes what a mirror holds. In doubt somebody is kept: an undo removes
nobody whom another run may need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.messages import Others, Work
from activation.drops.ranges import Piece
from activation.errors import Rejected
from activation.identifiers.needed import identifies_alone
from activation.identifiers.refused import EVERY_ROW, Refused, keyed, new_key, with_rows
from activation.ledger.compared_runs import ComparedRuns
from activation.ledger.runs import FINAL, STOPPED, HeldRun, Run, RunState
from activation.ledger.split import Phase
from activation.mirror.delta import Part, read_part
from activation.model import Action, Cursor, Drop
from activation.pipeline.client import OutOfTime
from activation.pipeline.identified import flat
from activation.report import stored
from activation.report.receipts import Identity, stem
from activation.runs.drop import RunDrop
from activation.runs.invocation import Invocation
from activation.runs.location import located
from activation.runs.mirror_audience import known
from activation.runs.undo import refuse_overtaken, refused

PIECE = 250_000  # digests that are held until they are kept as a set
MOST = 3_000_000  # different identifiers of the drop that is undone: a million took 285 MB on 2026-11-30


def compare_others(invocation: Invocation, piece: Piece | None) -> None:
    """Find whom of an undo's people other runs have sent too, unless that is known and still holds.

    `piece` is what the undone run has sent, None for all of its drop. The run holds its audience's lock. Raises
    OutOfTime when it needs another invocation, and Rejected (undo_refused) where another run has written to the
    audience since the undo was begun, and where a run of which the operator was told that its people are left out
    cannot be read any more.
    """
    refuse_overtaken(invocation)
    others, progress = invocation.work.others, invocation.held.run.progress
    if others is None or not others.any or (progress.compared and progress.compared.done):
        return
    with invocation.held.lock:
        progress.compared = progress.compared or ComparedRuns()
        progress.plan.refused_key = progress.plan.refused_key or new_key()
        invocation.held.save()  # before anything is kept under the key
    _Comparison(invocation, others, piece, progress.compared, progress.plan.refused_key).go_on()


@dataclass(frozen=True)
class _OtherRun:
    """Another run: its record, and what its receipt says."""

    run_id: str
    run: Run
    receipt: Mapping[str, Any] = field(repr=False)

    @property
    def removes(self) -> bool:
        return bool(self.receipt["action"] == Action.REMOVE.value)

    @property
    def undoes(self) -> str:
        """Return the id of the run that it has undone for certain, "" for none."""
        certain = self.removed_all or self.run.state is RunState.EMPTY  # then all were sent by others
        return str(self.receipt.get("undoes", "")) if certain else ""

    @property
    def removed_all(self) -> bool:
        """Return whether nobody of its drop can have stayed."""
        return self.run.state is RunState.APPLIED and not self.run.progress.tally.rejected_by_platform

    @property
    def piece(self) -> Piece | None:
        """Return the rows that it may have sent, None for all of its drop.

        Of units that a dead worker may have sent, only their number is known, not where they end.
        """
        checkpoint, split = self.run.progress.checkpoint, self.run.progress.plan.split
        if self.run.state in FINAL or checkpoint.read_whole or (split and split.phase is not Phase.ALONE):
            return None
        if checkpoint.suspects:
            return None
        ahead = (unit.last_row for unit in (*checkpoint.ahead, *checkpoint.in_doubt))
        return Piece(Cursor(), max((checkpoint.cursor.row, *ahead)))


@dataclass(frozen=True)
class _Comparison:
    """Compares the drop that is undone with the others; `compared` is how far it has come."""

    invocation: Invocation
    others: Others
    piece: Piece | None
    compared: ComparedRuns
    key: str = field(repr=False)

    def go_on(self) -> None:
        """Read what is left; raises as `compare_others` does."""
        compared = self.compared
        if not compared.own:
            self._gather(self._own_identifiers(compared.cursor), None)
            compared.own = self._keep("own", self._gathered())
            self._next(self._keep("kept", Refused()))
        own = self.invocation.refused.whole(compared.own)
        for one in self._runs[compared.step - 1 :]:
            self._gather(self._identifiers_of(one), own)
            self._next(self._with(one), one)
        if self.others.mirror and compared.step <= len(self._runs) + 1:
            self._gather(self._mirrored(compared.cursor), own)
            kept = self.invocation.refused.whole(compared.kept)
            self._next(self._keep("kept", kept.joined([self._gathered()])))
        with self.invocation.held.lock:
            compared.done = True
            self.invocation.held.save()

    def _next(self, kept: str, one: _OtherRun | None = None) -> None:
        """Note that a step is done, and the name of the set that it leaves."""
        with self.invocation.held.lock:
            self.compared.kept, self.compared.step = kept, self.compared.step + 1
            self.compared.cursor, self.compared.pieces = Cursor(), []
            if one is not None:
                self.compared.ended_at = max(self.compared.ended_at, one.run.updated_at)
            self.invocation.held.save()

    def _keep(self, name: str, people: Refused) -> str:
        return self.invocation.refused.keep(f"{name}{self.compared.step}", 0, 0, people)

    def _gathered(self) -> Refused:
        """Return the whole set of the step."""
        whole = Refused()
        for name in self.compared.pieces:
            whole = whole.joined([self.invocation.refused.whole(name)])
            if len(whole) > MOST:
                raise refused(
                    self.invocation,
                    f"the run has sent more than {MOST:,} identifiers, too many to compare with others",
                )
        return whole

    def _gather(self, found: Iterator[tuple[Cursor, list[pa.Array]]], own: Refused | None) -> None:
        """Keep digests of identifiers in pieces, of other runs only those that are in `own` as well."""
        tables: list[pa.Table] = []
        waiting, reached = 0, self.compared.cursor
        for reached, identifiers in found:
            for values in identifiers:
                digests = keyed(self.key, values)
                if own is not None:
                    digests = digests.filter(pc.is_valid(own.rows_of(digests)))
                tables.append(with_rows(digests, pa.repeat(pa.scalar(EVERY_ROW), len(digests))))
                waiting += len(tables[-1])
            may_go_on = self.invocation.keep_and_may_go_on()
            if waiting >= PIECE or not may_go_on:
                self._keep_piece(tables, reached)
                tables, waiting = [], 0
            if not may_go_on:
                raise OutOfTime("out_of_time", "the undo is still being compared with other runs", after_s=1)
        self._keep_piece(tables, reached)

    def _keep_piece(self, tables: list[pa.Table], reached: Cursor) -> None:
        compared = self.compared
        if reached == compared.cursor:
            return
        pieces = []
        if tables:  # none where the rows read have no identifier of one person
            setting = f"step{compared.step}"
            people = Refused.of(tables)
            pieces = [self.invocation.refused.keep(setting, compared.cursor.row + 1, reached.row, people)]
        with self.invocation.held.lock:
            compared.pieces += pieces
            compared.rows += reached.row - compared.cursor.row
            compared.cursor = reached
            self.invocation.held.save()

    def _with(self, one: _OtherRun) -> str:
        """Return the name of the set of those to keep, once a run's people have joined or left them."""
        kept, people = self.invocation.refused.whole(self.compared.kept), self._gathered()
        if not one.removes:
            return self._keep("kept", kept.joined([people]))
        # Of two runs at work at once, nobody knows which came last to a person.
        if one.removed_all and self.compared.ended_at <= one.run.started_at:
            gone = pc.is_valid(people.rows_of(kept.table.select(["high", "low"])))
            kept = Refused(kept.table.filter(pc.invert(gone)).combine_chunks())
        return self._keep("kept", kept)

    @cached_property
    def _runs(self) -> tuple[_OtherRun, ...]:
        """Return the runs that have sent somebody, by their starts, without those that were undone."""
        found = sorted(filter(None, map(self._read, self.others.runs)), key=lambda one: one.run.started_at)
        undone = {one.undoes: one.run.started_at for one in found if one.undoes}
        return tuple(
            one
            for one in found
            if "undoes" not in one.receipt and one.run.updated_at > undone.get(one.run_id, -1.0)
        )

    def _read(self, run_id: str) -> _OtherRun | None:
        connector = self.invocation.connector
        run = connector.ledger.read(run_id)
        if run is None:
            raise refused(
                self.invocation, f"the ledger no longer remembers run {run_id}, whose people are to be left out"
            )
        sent = run.progress.may_have_sent
        if not sent and run.state is not RunState.EMPTY:
            return None
        if run.state not in FINAL | STOPPED or run.lease_until > connector.clock():
            raise refused(self.invocation, f"run {run_id}, whose people are to be left out, has not ended")
        key = f"{stem(self.invocation.identity.audience, run_id)}.json"
        receipt = stored.read(connector.clients.s3, connector.settings.receipts_bucket, key)
        if receipt is None:
            raise refused(self.invocation, f"run {run_id}, whose people are to be left out, has no receipt")
        if not sent and "undoes" not in receipt:
            return None
        return _OtherRun(run_id, run, receipt)

    def _own_identifiers(self, start: Cursor) -> Iterator[tuple[Cursor, list[pa.Array]]]:
        return replace(RunDrop.open(self.invocation), piece=self.piece).identifiers(start)

    def _identifiers_of(self, one: _OtherRun) -> Iterator[tuple[Cursor, list[pa.Array]]]:
        told, connector = one.receipt["drop"], self.invocation.connector
        drop = Drop(told["bucket"], told["key"], told["version_id"], "", told["size_bytes"], told.get("etag", ""))
        try:
            work = Work(drop, ad_account=told.get("ad_account", ""))
            place = located(connector, work)
            identity = Identity(
                one.run_id, work, place.audience, place.kind.declared, self.invocation.identity.platform
            )
            held = HeldRun(one.run, connector.ledger)  # only read: nothing of it is ever saved
            other = replace(
                self.invocation,
                identity=identity,
                located=place,
                held=held,
                is_plain=False,
                files={},
                headers={},
                _listings={},
                _parts_written=set(),
            )
            yield from replace(RunDrop.open(other), piece=one.piece).identifiers(self.compared.cursor)
        except Rejected as error:
            raise refused(
                self.invocation,
                f"the drop of run {one.run_id}, whose people are to be left out, cannot be read: {error.code}",
            ) from error

    def _mirrored(self, start: Cursor) -> Iterator[tuple[Cursor, list[pa.Array]]]:
        """Yield the identifiers of the lines of the mirror's state; the cursor counts lines."""
        state = known(self.invocation)
        if state.snapshot is None or not state.snapshot.cells or state.pending:
            raise refused(self.invocation, "it is not certain whom the mirror has sent, or its state was reset")
        snapshot, line = state.snapshot, start.row
        part = Part(snapshot.pieces, snapshot.columns, snapshot.lines)
        for table in read_part(self.invocation.pieces, part, after=line):
            line += len(table)
            keys = [key for key in snapshot.columns if key in table.column_names]
            alone = [key for key in keys if identifies_alone(self.invocation.table.field(key))]
            yield Cursor(line), [flat(table[key]) for key in alone]
