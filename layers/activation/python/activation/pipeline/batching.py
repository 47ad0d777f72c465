"""From chunks to batches: cells identified, rejected rows taken out, cut at the platform's limit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.chunk import Chunk
from activation.drops.row_filters import RowFilter
from activation.errors import Rejected
from activation.identifiers.assign import Use
from activation.identifiers.cell_lists import with_lists
from activation.identifiers.codes import Code
from activation.identifiers.event_rows import accept_events, with_further, with_ids
from activation.identifiers.join import join
from activation.identifiers.needed import causes, has_needed, identifies_alone, leave_out_incomplete
from activation.identifiers.row_country import countries_of_rows, identify_by_country
from activation.identifiers.table import Context, Field, FieldTable
from activation.ledger.units import Span, Unit
from activation.model import Cursor
from activation.pipeline.findings import (
    FINDINGS,
    Place,
    by_row,
    cell_findings,
    count_cells,
    of_rows,
    row_findings,
    row_reasons,
)
from activation.pipeline.further import Lines, further_lines
from activation.pipeline.identified import Identified, flat, together
from activation.pipeline.other_people import OtherPeople
from activation.pipeline.refusals import Refusal, taken_out
from activation.pipeline.repeats import Repeats

# A span ends after this many times the platform's limit, or this many rows where the limit is large, so that a
# long stretch of rejects takes a bounded amount of memory.
SOURCE_ROWS_PER_BATCH_ROW = 10
SOURCE_ROWS_KEPT = 500_000


@dataclass(frozen=True)
class Prepared:
    """One span of source rows, ready to send.

    `span` says which rows these are. `columns` holds those that are sent, by wire key, and `rows` their source row
    numbers. `rejected` (FINDINGS) says why each of the others is not: one line per unusable cell, or one for the
    row. `further` are the lines of second addresses and phones, of third ones and so on.
    """

    span: Span
    columns: pa.Table = field(repr=False)
    rows: pa.Array
    rejected: pa.Table
    further: tuple[Lines, ...] = ()


@dataclass(frozen=True)
class Batcher:
    """Cuts a drop into spans; where it cuts depends on the rows alone, not on chunks, retries or timing.

    `table` is the platform's field table, `fields` pairs a column's index in the file with a field it fills, in
    wire order. `context` and `hashed` say how cells are read; where a column says each row's country, that comes
    before the context's default one. `max_rows` is how many rows a batch may have. `several` are, by wire key, all
    columns of the fields that have more than one, and `ignored` the indexes of columns that people said to ignore,
    see MappedColumns.
    `filters` take rows out before their cells are read, `refusals` those that hold what another row refuses.
    `place` says where in a folder a row is that was read. Of events, `drop_id` names the drop in the ids of those
    that have none of their own, the same however often it is sent, and `repeats` are the ids that come twice.
    `others` are people whom an undo leaves out.
    """

    table: FieldTable
    fields: Sequence[tuple[int, Field]]
    context: Context
    hashed: bool
    max_rows: int
    several: Mapping[str, Sequence[Use]] = field(default_factory=dict)
    filters: Sequence[RowFilter] = ()
    ignored: Collection[int] = ()
    place: Place | None = None
    refusals: Sequence[Refusal] = ()
    drop_id: str = ""
    repeats: Repeats | None = None
    others: OtherPeople | None = None

    def spans(self, chunks: Iterable[Chunk], start: Cursor, settled: Iterable[Unit]) -> Iterator[Prepared]:
        """Yield every span after `start`, prepared, in row order.

        `settled` are the units acknowledged beyond `start`: their spans are cut where they were before, so that
        they are recognised even when the limits have changed since. When the file turns out to be damaged, the
        rows before the damage are yielded first, then the reader's Rejected is raised.
        """
        edges = sorted({(unit.first_row, unit.last_row) for unit in settled})
        pending: list[Identified] = []
        first_row, last_read = start.row + 1, start.row
        damage: list[Rejected] = []
        for chunk in _until_damaged(chunks, damage):
            one = self.identify(chunk)
            pending.append(one)
            last_read = chunk.first_row + chunk.row_count - 1
            while (cut := self._cut(pending, first_row, last_read, edges)) is not None:
                prepared = [self._prepare(pending, first_row, cut, chunk.cursor_after(cut))]
                first_row = cut + 1
                pending = [rest for part in pending if (rest := part.behind(cut)) is not None]
                yield prepared.pop()  # so that only the caller holds the span from here on
            if last_read >= first_row:
                end = chunk.cursor_after(last_read)
        if last_read >= first_row:
            yield self._prepare(pending, first_row, last_read, end)
        if damage:
            raise damage[0]

    def _cut(
        self,
        pending: list[Identified],
        first_row: int,
        last_read: int,
        edges: list[tuple[int, int]],
    ) -> int | None:
        """Return the last source row of the span from `first_row`, None when that is not known yet."""
        longest = min(SOURCE_ROWS_PER_BATCH_ROW * self.max_rows, max(self.max_rows, SOURCE_ROWS_KEPT))
        bound = first_row + longest - 1
        for edge_first, edge_last in edges:
            if edge_first == first_row:
                return edge_last if edge_last <= last_read else None
            if edge_first > first_row:
                bound = min(bound, edge_first - 1)
                break
        room = self.max_rows
        for part in pending:
            if part.rows_sent >= room:
                return min(part.sent_row(room - 1), bound)
            room -= part.rows_sent
        return bound if bound <= last_read else None

    def identify(self, chunk: Chunk) -> Identified:
        """Return what would be sent for a chunk's rows, and why the others are not, in row order."""
        chunk, filtered = self.filtered(chunk)
        sent: dict[str, pa.Array] = {}
        codes: dict[str, pa.Array] = {}
        further: dict[str, tuple[pa.Array, ...]] = {}
        countries = countries_of_rows(self.fields, self.several, chunk.columns, self.ignored)
        for index, one in self.fields:
            if uses := self.several.get(one.key):
                joined = join(one, uses, chunk.columns, self.context, countries, hashed=self.hashed)
                column, further[one.key] = joined.column, joined.further
            else:
                cells = chunk.columns.column(index)
                column = identify_by_country(one, cells, countries, self.context, hashed=self.hashed)
                if not self.hashed:
                    column, further[one.key] = with_lists(one, cells, column, self.context, countries)
            sent[one.key], codes[one.key] = column.sent, column.code
        leave_out_incomplete(self.table, sent, codes)
        own = dict(sent)  # before every event is given an id
        accepted, without_id = self._accept(chunk, sent, codes)
        of_lists = sent if self.table.events is None else with_further(sent, further)
        columns = pa.record_batch(list(of_lists.values()), names=list(of_lists))
        rejected = [*filtered]
        if not pc.all(accepted, min_count=0).as_py():
            rejected += row_findings(chunk.rows, codes, pc.invert(accepted), causes(self.table))
        accepted, refused = self._refuse(chunk, sent, further, accepted)
        rejected += refused
        if self.table.events is not None and self.repeats:
            again = pc.and_(accepted, self.repeats.among(self.table.events, own, len(chunk.rows)))
            rejected.append(of_rows(chunk.rows.filter(again), Code.REPEATED_EVENT_ID.value))
            accepted = pc.and_not(accepted, again)
        whole = pc.all(accepted, min_count=0).as_py()
        if chunk.malformed:
            numbers = sorted(chunk.malformed)
            rejected.append(
                pa.table([numbers, [""] * len(numbers), [chunk.malformed[n] for n in numbers]], schema=FINDINGS)
            )
        return Identified(
            columns=columns if whole else columns.filter(accepted),
            rows=chunk.rows if whole else chunk.rows.filter(accepted),
            rejected=pa.concat_tables(rejected).sort_by("row") if rejected else FINDINGS.empty_table(),
            left_out=by_row(cell_findings(chunk.rows, codes, accepted)),
            mended=chunk.mended,
            further=() if self.table.events else further_lines(self.table, sent, further, accepted, chunk.rows),
            by_row=chunk.rows.filter(pc.and_(accepted, without_id)),
        )

    def _accept(
        self, chunk: Chunk, sent: dict[str, pa.Array], codes: dict[str, pa.Array]
    ) -> tuple[pa.Array, pa.Array]:
        """Return which rows can be sent, and which of them are events that only their row gives an id."""
        if self.table.events is None:
            return has_needed(self.table, sent, codes), pa.repeat(pa.scalar(False), len(chunk.rows))
        accepted = accept_events(self.table.events, sent, codes)
        return accepted, with_ids(self.table.events, self.drop_id, sent, chunk.rows)

    def filtered(self, chunk: Chunk) -> tuple[Chunk, list[pa.Table]]:
        """Return the chunk without the rows that the filters take out, and the findings that say why."""
        filtered = []
        for one in self.filters:
            allowed = one.allowed(chunk.columns)
            if not pc.all(allowed, min_count=0).as_py():
                numbers = chunk.rows.filter(pc.invert(allowed))
                filtered.append(of_rows(numbers, one.code))
                chunk = replace(chunk, columns=chunk.columns.filter(allowed), rows=chunk.rows.filter(allowed))
        return chunk, filtered

    def _refuse(
        self,
        chunk: Chunk,
        sent: Mapping[str, pa.Array],
        further: Mapping[str, Sequence[pa.Array]],
        accepted: pa.Array,
    ) -> tuple[pa.Array, list[pa.Table]]:
        """Return which of the accepted rows are left, and the findings that say why the others are not."""
        if not self.refusals and self.others is None:
            return accepted, []
        alone = [key for key in sent if identifies_alone(self.table.field(key))]
        identifiers = [values for key in alone for values in (sent[key], *further.get(key, ()))]
        findings = []
        others = self.others.among(identifiers, len(chunk.rows)) if self.others else ()
        for code, refused in (*taken_out(self.refusals, identifiers, chunk.columns, chunk.rows), *others):
            numbers = chunk.rows.filter(pc.and_(accepted, refused))
            if len(numbers):
                findings.append(of_rows(numbers, code))
                accepted = pc.and_not(accepted, refused)
        return accepted, findings

    def _prepare(self, pending: list[Identified], first_row: int, last_row: int, after: Cursor) -> Prepared:
        parts = [part.up_to(last_row) for part in pending]
        columns = pa.Table.from_batches([part.columns for part in parts])
        rows = pa.concat_arrays([flat(part.rows) for part in parts])
        rejected = pa.concat_tables([part.rejected for part in parts])
        left_out = pa.concat_tables([part.left_out for part in parts])
        reasons = row_reasons(rejected)
        span = Span(
            first_row=first_row,
            last_row=last_row,
            rejected=reasons,
            left_out=count_cells(left_out, self.place),
            after=after,
            mended=sum(len(part.mended) for part in parts),
            by_row=sum(len(part.by_row) for part in parts),
        )
        return Prepared(span, columns, rows, rejected, together([part.further for part in parts]))


def _until_damaged(chunks: Iterable[Chunk], damage: list[Rejected]) -> Iterator[Chunk]:
    """Yield chunks until the reader rejects the rest of the file, and append its error to `damage`."""
    try:
        yield from chunks
    except Rejected as error:
        damage.append(error)
