"""The first step: rows are read, derived columns made, rows filtered, and cells of groups parsed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from activation.drops.chunk import Chunk
from activation.drops.row_filters import NO_CONSENT, RowFilter

from glue_scripts.normalize import stream
from glue_scripts.normalize.cells import derive, number_texts, numbers, times, trimmed
from glue_scripts.normalize.conditions import holds
from glue_scripts.normalize.keys import key_of
from glue_scripts.normalize.mapping import EVERY_ROW, NUMERIC, TIMES, Aggregate, Function
from glue_scripts.normalize.people import PeopleStep
from glue_scripts.normalize.plan import Plan
from glue_scripts.normalize.stream import Places

BLANK_GROUP_KEY = "blank_group_key"
# What a line says of its row, where groups are judged by the greatest: no consent, or a cell that is not read.
REFUSED, INCOMPLETE, ALLOWED = "2", "1", ""


@dataclass
class _Rows:
    """Rows on their way through the step, and the lines that say what became of the others."""

    columns: list[pa.Array]
    places: Places
    width: int
    lines: list[pa.RecordBatch] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def keep(self, mask: pa.Array) -> None:
        if not pc.all(mask, min_count=0).as_py():
            self.columns = [one.filter(mask) for one in self.columns]
            self.places = self.places.filter(mask)

    def reject(self, mask: pa.Array, code: str, column: str = "") -> None:
        """Take out the rows in a mask, for one reason."""
        if pc.any(mask, min_count=0).as_py():
            out = self.places.filter(mask)
            self.lines.append(stream.whole_row_rejects(out, code, self.width, column))
            self.counts[f"rejected:{code}", ""] += len(out.rows)
            self.keep(pc.invert(mask))

    def reject_coded(self, codes: pa.Array, column: str) -> pa.Array:
        """Take out the rows that have a code; return the mask of those that stay."""
        stays = pc.is_null(codes)
        for code in pc.unique(codes.filter(pc.invert(stays))).to_pylist():
            mask = pc.fill_null(pc.equal(codes, code), fill_value=False)
            out = self.places.filter(mask)
            self.lines.append(stream.whole_row_rejects(out, code, self.width, column))
            self.counts[f"rejected:{code}", ""] += len(out.rows)
        self.keep(stays)
        return stays

    def reject_cells(self, codes: pa.Array, column: str) -> None:
        """List the cells that have a code; their rows stay, and take their groups out."""
        for one in pc.value_counts(codes.drop_null()).to_pylist():
            code = one["values"]
            out = self.places.filter(pc.fill_null(pc.equal(codes, code), fill_value=False))
            self.lines.append(stream.whole_row_rejects(out, code, self.width, column))
            self.counts[f"unread:{code}", column] += one["counts"]
        self.columns[-1] = pc.if_else(pc.is_valid(codes), INCOMPLETE, self.columns[-1])

    def said(self) -> Iterator[pa.RecordBatch]:
        yield from self.lines
        yield stream.tallies([(code, of, count) for (code, of), count in self.counts.items()], self.width)


@dataclass(frozen=True)
class RowStep:
    """Turns chunks of an export into lines of the stream: output lines, or lines to be grouped.

    `file_index` says which file of the export a chunk's name is.
    """

    plan: Plan
    file_index: Callable[[str], int]

    @property
    def width(self) -> int:
        """Return the number of data columns that the step gives."""
        mapping = self.plan.mapping
        if not mapping.is_grouped:
            return len(self.plan.output)
        return len(mapping.group_by) + len(mapping.aggregates) + 1

    def run(self, chunks: Iterable[Chunk]) -> Iterator[pa.RecordBatch]:
        """Yield the lines of an export's rows, in batches of about ROWS_PER_BATCH.

        The larger the batch, the fewer times a name or a city is normalised. Raises what reading the export
        raises.
        """
        waiting: list[Chunk] = []
        for chunk in chunks:
            waiting.append(chunk)
            if sum(one.row_count for one in waiting) >= stream.ROWS_PER_BATCH:
                yield from self._of(waiting)
                waiting = []
        if waiting:
            yield from self._of(waiting)

    def _of(self, chunks: Sequence[Chunk]) -> Iterator[pa.RecordBatch]:
        rows = self._opened(chunks)
        self._blank_nulls(rows)
        self._derive(rows)
        if self.plan.mapping.is_grouped:
            self._mark_refused(rows)
        self._filter(rows)
        if self.plan.mapping.is_grouped:
            grouped = self._for_groups(rows)
            rows.counts["rows_grouped", ""] += len(rows.places.rows)
            yield from rows.said()
            if len(rows.places.rows):
                yield grouped
            return
        self._reject_refused(rows)
        yield from rows.said()
        if len(rows.places.rows):
            yield from PeopleStep(self.plan).run(rows.columns, rows.places)

    def _opened(self, chunks: Sequence[Chunk]) -> _Rows:
        batch = pa.Table.from_batches([self._renamed(one) for one in chunks]).combine_chunks()
        columns = [_flat(one) for one in batch.columns]
        parts = [self._places(one, one.rows) for one in chunks]
        rows = _Rows(columns, _together(parts), self.width)
        for chunk in chunks:
            rows.counts["rows_read", ""] += chunk.row_count
            rows.counts["rows_mended", ""] += len(chunk.mended)
            by_code: dict[str, list[int]] = {}
            for number, code in sorted(chunk.malformed.items()):
                by_code.setdefault(code, []).append(number)
            for code, numbers_ in by_code.items():
                places = self._places(chunk, pa.array(numbers_, pa.int64()))
                rows.lines.append(stream.whole_row_rejects(places, code, self.width))
                rows.counts[f"rejected:{code}", ""] += len(numbers_)
        return rows

    def _renamed(self, chunk: Chunk) -> pa.RecordBatch:
        names = [f"c{index}" for index in range(len(self.plan.source))]  # a header may have a name twice
        return pa.RecordBatch.from_arrays(chunk.columns.columns, names=names)

    def _places(self, chunk: Chunk, rows: pa.Array) -> Places:
        file = pa.repeat(pa.scalar(self.file_index(chunk.file), pa.int32()), len(rows))
        return Places(rows, file, pc.subtract(rows, chunk.before))

    def _blank_nulls(self, rows: _Rows) -> None:
        if self.plan.mapping.input.nulls:
            words = pa.array(self.plan.mapping.input.nulls, pa.string())
            rows.columns = [pc.if_else(pc.is_in(one, value_set=words), "", one) for one in rows.columns]

    def _derive(self, rows: _Rows) -> None:
        """Append the derived columns; a cell that cannot be derived from is blank there, and counted."""
        for one in self.plan.mapping.derived:
            cells = [rows.columns[self.plan.index(name)] for name in one.of]
            found = derive(one, cells, self.plan.context)
            for code in pc.unique(found.codes.drop_null()).to_pylist():
                count = pc.sum(pc.equal(found.codes, code)).as_py()
                rows.counts[f"left_out:{code}", one.name] += count
            rows.columns.append(pc.fill_null(found.values, ""))

    def _filter(self, rows: _Rows) -> None:
        for number, condition in enumerate(self.plan.mapping.filters, 1):
            cells = rows.columns[self.plan.index(condition.column)]
            found = holds(condition, cells, self.plan.context, self.plan.mapping.input.decimal)
            codes, mask = found.codes, found.values
            if self.plan.mapping.is_grouped:
                # Nobody knows whether such a row belongs to its group.
                mask = pc.or_(mask, pc.is_valid(codes))
                rows.reject_cells(_without(codes, self._is_out(rows)), condition.column)
            else:
                mask = mask.filter(rows.reject_coded(codes, condition.column))
            rows.counts[f"filtered:{number}", condition.column] += len(mask) - (pc.sum(mask).as_py() or 0)
            rows.keep(mask)

    def _reject_refused(self, rows: _Rows) -> None:
        for one in self.plan.consent:
            rows.reject(pc.invert(_allowed(one, rows)), NO_CONSENT)

    def _mark_refused(self, rows: _Rows) -> None:
        """Append a column that says whether a row lacks consent.

        A cell of such a row that cannot be read is passed over: the no takes the group out already.
        """
        refused = pa.repeat(pa.scalar(False), len(rows.places.rows))
        for one in self.plan.consent:
            refused = pc.or_(refused, pc.invert(_allowed(one, rows)))
        rows.columns.append(pc.if_else(refused, REFUSED, ALLOWED))

    def _is_out(self, rows: _Rows) -> pa.Array:
        """Return which rows take their group out already; a further cell of theirs says nothing new."""
        return pc.not_equal(rows.columns[-1], ALLOWED)

    def _for_groups(self, rows: _Rows) -> pa.RecordBatch:
        """Return the lines to be grouped: keys, what aggregates need, and whether the row lacks consent."""
        mapping = self.plan.mapping
        for name in mapping.group_by:
            blank = pc.equal(trimmed(rows.columns[self.plan.index(name)]), "")
            rows.reject(blank, BLANK_GROUP_KEY, name)
        values = [self._input_of(one, rows) for one in mapping.aggregates]
        keys = [trimmed(rows.columns[self.plan.index(name)]) for name in mapping.group_by]
        return stream.data(rows.places, [*keys, *values, rows.columns[-1]], key_of(keys))

    def _input_of(self, one: Aggregate, rows: _Rows) -> pa.Array:
        """Return the cells of an aggregate as canonical texts, null where blank or not read."""
        if one.of == EVERY_ROW:
            return pa.repeat(pa.scalar("1"), len(rows.places.rows))
        cells = trimmed(rows.columns[self.plan.index(one.of)])
        if one.function in NUMERIC:
            parsed = numbers(cells, self.plan.mapping.input.decimal)
            rows.reject_cells(_without(parsed.codes, self._is_out(rows)), one.of)
            return number_texts(parsed.values)
        if one.function in TIMES:
            parsed = times(cells, self.plan.context)
            rows.reject_cells(_without(parsed.codes, self._is_out(rows)), one.of)
            return parsed.values.cast(pa.string())
        if one.function in (Function.FIRST, Function.LAST):
            cells = pc.fill_null(rows.columns[self.plan.index(one.of)], "")
        blank = pc.equal(trimmed(cells), "")
        return pc.if_else(blank, pa.scalar(None, pa.string()), cells)


def _allowed(one: RowFilter, rows: _Rows) -> pa.Array:
    named = [f"c{index}" for index in range(len(rows.columns))]
    return one.allowed(pa.RecordBatch.from_arrays(rows.columns, names=named))


def _without(codes: pa.Array, mask: pa.Array) -> pa.Array:
    return pc.if_else(mask, pa.scalar(None, pa.string()), codes)


def _together(parts: Sequence[Places]) -> Places:
    return Places(
        pa.concat_arrays([_flat(one.rows) for one in parts]),
        pa.concat_arrays([one.files for one in parts]),
        pa.concat_arrays([one.in_files for one in parts]),
    )


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
