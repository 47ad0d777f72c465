"""From chunks to batches: cells identified, rejected rows taken out, cut at the platform's limit."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.chunk import Chunk
from activation.drops.row_filters import RowFilter
from activation.errors import Rejected
from activation.identifiers.assign import Use
from activation.identifiers.cell_lists import with_lists
from activation.identifiers.join import join
from activation.identifiers.needed import has_needed, leave_out_incomplete
from activation.identifiers.row_country import countries_of_rows, identify_by_country
from activation.identifiers.table import Context, Field, FieldTable
from activation.ledger.units import FIRST_ROWS_KEPT, LeftOut, LeftOutCells, Span, Unit
from activation.model import Cursor
from activation.pipeline.further import Lines, further_lines

NO_IDENTIFIER = "no_identifier"
# A span ends after this many times the platform's limit, or this many rows where the limit is large, so that a
# long stretch of rejects takes a bounded amount of memory.
SOURCE_ROWS_PER_BATCH_ROW = 10
SOURCE_ROWS_KEPT = 500_000

# Why a cell or row is not sent: the source row, the field's key ("" for the row itself), the code.
FINDINGS = pa.schema([("row", pa.int64()), ("field", pa.string()), ("code", pa.string())])


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
    `filters` take rows out before their cells are read.
    """

    table: FieldTable
    fields: Sequence[tuple[int, Field]]
    context: Context
    hashed: bool
    max_rows: int
    several: Mapping[str, Sequence[Use]] = field(default_factory=dict)
    filters: Sequence[RowFilter] = ()
    ignored: Collection[int] = ()

    def spans(self, chunks: Iterable[Chunk], start: Cursor, settled: Iterable[Unit]) -> Iterator[Prepared]:
        """Yield every span after `start`, prepared, in row order.

        `settled` are the units acknowledged beyond `start`: their spans are cut where they were before, so that
        they are recognised even when the limits have changed since. When the file turns out to be damaged, the
        rows before the damage are yielded first, then the reader's Rejected is raised.
        """
        edges = sorted({(unit.first_row, unit.last_row) for unit in settled})
        pending: list[_Identified] = []
        first_row, last_read = start.row + 1, start.row
        damage: list[Rejected] = []
        for chunk in _until_damaged(chunks, damage):
            one = self._identify(chunk)
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
        pending: list[_Identified],
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

    def _identify(self, chunk: Chunk) -> _Identified:
        chunk, taken_out = self._filter(chunk)
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
        accepted = has_needed(self.table, sent, codes)
        columns = pa.record_batch(list(sent.values()), names=list(sent))
        whole = pc.all(accepted, min_count=0).as_py()
        rejected = [] if whole else _findings(chunk.rows, codes, pc.invert(accepted), whole_rows=True)
        rejected += taken_out
        if chunk.malformed:
            numbers = sorted(chunk.malformed)
            rejected.append(
                pa.table([numbers, [""] * len(numbers), [chunk.malformed[n] for n in numbers]], schema=FINDINGS)
            )
        return _Identified(
            columns=columns if whole else columns.filter(accepted),
            rows=chunk.rows if whole else chunk.rows.filter(accepted),
            rejected=pa.concat_tables(rejected).sort_by("row") if rejected else FINDINGS.empty_table(),
            left_out=_concat(_findings(chunk.rows, codes, accepted, whole_rows=False)),
            mended=chunk.mended,
            further=further_lines(self.table, sent, further, accepted, chunk.rows),
        )

    def _filter(self, chunk: Chunk) -> tuple[Chunk, list[pa.Table]]:
        """Return the chunk without the rows that the filters take out, and the findings that say why."""
        taken_out = []
        for one in self.filters:
            allowed = one.allowed(chunk.columns)
            if not pc.all(allowed, min_count=0).as_py():
                numbers = chunk.rows.filter(pc.invert(allowed))
                blank, code = [""] * len(numbers), [one.code] * len(numbers)
                taken_out.append(pa.table([numbers, blank, code], schema=FINDINGS))
                chunk = replace(chunk, columns=chunk.columns.filter(allowed), rows=chunk.rows.filter(allowed))
        return chunk, taken_out

    def _prepare(self, pending: list[_Identified], first_row: int, last_row: int, after: Cursor) -> Prepared:
        parts = [part.up_to(last_row) for part in pending]
        columns = pa.Table.from_batches([part.columns for part in parts])
        rows = pa.concat_arrays([_flat(part.rows) for part in parts])
        rejected = pa.concat_tables([part.rejected for part in parts])
        left_out = pa.concat_tables([part.left_out for part in parts])
        reasons = _row_reasons(rejected)
        span = Span(
            first_row=first_row,
            last_row=last_row,
            rejected=reasons,
            left_out=_count_cells(left_out),
            after=after,
            mended=sum(len(part.mended) for part in parts),
        )
        return Prepared(span, columns, rows, rejected, _further([part.further for part in parts]))


@dataclass(frozen=True)
class _Identified:
    """A chunk after identification: what would be sent, the findings and the mended rows, all in row order."""

    columns: pa.RecordBatch
    rows: pa.Array
    rejected: pa.Table
    left_out: pa.Table
    mended: pa.Array
    further: tuple[Lines, ...] = ()

    @property
    def rows_sent(self) -> int:
        return len(self.rows)

    def sent_row(self, index: int) -> int:
        number: int = self.rows[index].as_py()
        return number

    def up_to(self, row: int) -> _Identified:
        count = _count_up_to(self.rows, row)
        return _Identified(
            self.columns.slice(0, count),
            self.rows.slice(0, count),
            self.rejected.slice(0, _count_up_to(self.rejected["row"], row)),
            self.left_out.slice(0, _count_up_to(self.left_out["row"], row)),
            self.mended.slice(0, _count_up_to(self.mended, row)),
            tuple(one.slice(0, _count_up_to(one.rows, row)) for one in self.further),
        )

    def behind(self, row: int) -> _Identified | None:
        count = _count_up_to(self.rows, row)
        rest = _Identified(
            self.columns.slice(count),
            self.rows.slice(count),
            self.rejected.slice(_count_up_to(self.rejected["row"], row)),
            self.left_out.slice(_count_up_to(self.left_out["row"], row)),
            self.mended.slice(_count_up_to(self.mended, row)),
            tuple(one.slice(_count_up_to(one.rows, row)) for one in self.further),
        )
        found = rest.rejected.num_rows or rest.left_out.num_rows or len(rest.mended)
        return rest if rest.rows_sent or found else None


def _further(parts: list[tuple[Lines, ...]]) -> tuple[Lines, ...]:
    """Return the lines of several chunks together, by how manieth values they hold."""
    together = []
    for place in range(max((len(one) for one in parts), default=0)):
        lines = [one[place] for one in parts if place < len(one) and len(one[place].rows)]
        if lines:
            rows = pa.concat_arrays([_flat(one.rows) for one in lines])
            together.append(Lines(pa.Table.from_batches([one.columns for one in lines]), rows))
    return tuple(together)


def _until_damaged(chunks: Iterable[Chunk], damage: list[Rejected]) -> Iterator[Chunk]:
    """Yield chunks until the reader rejects the rest of the file, and append its error to `damage`."""
    try:
        yield from chunks
    except Rejected as error:
        damage.append(error)


def _findings(rows: pa.Array, codes: Mapping[str, pa.Array], of: pa.Array, *, whole_rows: bool) -> list[pa.Table]:
    """Return the coded cells of the rows in the mask `of`; with `whole_rows`, also each row without one."""
    tables, explained = [], _none_of(len(rows))
    for key, code in codes.items():
        if code.null_count == len(code):
            continue
        here = pc.and_(of, pc.is_valid(code))
        explained = pc.or_(explained, here)
        numbers = rows.filter(here)
        if len(numbers):
            names = pa.array([key] * len(numbers), pa.string())
            tables.append(pa.table([numbers, names, code.filter(here).cast(pa.string())], schema=FINDINGS))
    if whole_rows:
        numbers = rows.filter(pc.and_not(of, explained))
        if len(numbers):
            blank, code = [""] * len(numbers), [NO_IDENTIFIER] * len(numbers)
            tables.append(pa.table([numbers, blank, code], schema=FINDINGS))
    return tables


def _none_of(count: int) -> pa.Array:
    return pa.repeat(pa.scalar(False), count)


def _concat(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).sort_by("row") if tables else FINDINGS.empty_table()


def _flat(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _count_up_to(numbers: pa.Array | pa.ChunkedArray, row: int) -> int:
    """Return how many of the ascending numbers are at most `row`."""
    return bisect_right(range(len(numbers)), row, key=lambda place: numbers[place].as_py())


def _row_reasons(rejected: pa.Table) -> dict[str, int]:
    """Return the rows counted by code, each row once: by its first finding in the fields' order on the wire."""
    if not rejected.num_rows:
        return {}
    first = rejected.group_by("row", use_threads=False).aggregate([("code", "first")])
    return dict(Counter(first["code_first"].to_pylist()))


def _count_cells(left_out: pa.Table) -> LeftOutCells:
    """Return the cells counted by field and code, with the first rows of each."""
    found: LeftOutCells = {}
    if left_out.num_rows:
        groups = left_out.group_by(["field", "code"], use_threads=False).aggregate([("row", "count")])
        for one in groups.to_pylist():
            of = pc.and_(pc.equal(left_out["field"], one["field"]), pc.equal(left_out["code"], one["code"]))
            first_rows = tuple(left_out["row"].filter(of).slice(0, FIRST_ROWS_KEPT).to_pylist())
            found.setdefault(one["field"], {})[one["code"]] = LeftOut(one["row_count"], first_rows)
    return found
