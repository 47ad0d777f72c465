"""What passes between the steps: one stream of record batches that holds data, rejects, counts and results.

Counts travel with the rows they count, so that a task that Spark runs twice counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from activation.errors import Rejected

ROWS_PER_BATCH = 65_536


class Kind(IntEnum):
    """What a line of the stream is."""

    DATA = 0
    REJECT = 1  # a cell or row that is not used, for the rejects: `field` and `code`
    TALLY = 2  # `count` of what `code` names, of `field` where it is one column's
    PART = 3  # a file that was written: its name in `field`, its rows in `count`, its bytes in `row`
    FAILURE = 4  # the export cannot be read on: `code`, and the sentence in `field`


FIXED = pa.schema(
    [
        ("kind", pa.int8()),
        ("row", pa.int64()),  # the row in the whole export, from 1; of a group its first row
        ("file", pa.int32()),  # the index of the file that holds it
        ("row_in_file", pa.int64()),
        ("field", pa.string()),
        ("code", pa.string()),
        ("count", pa.int64()),
        ("key", pa.string()),  # lines that have to meet in the next step have the same
    ]
)
_SPARK_TYPES = {pa.int8(): "tinyint", pa.int32(): "int", pa.int64(): "bigint", pa.string(): "string"}


def schema_of(width: int) -> pa.Schema:
    """Return the schema of a stream whose data has `width` columns of text."""
    return pa.schema([*FIXED, *((f"c{index}", pa.string()) for index in range(width))])


def spark_schema(width: int) -> str:
    """Return the same for Spark."""
    return ", ".join(f"{one.name} {_SPARK_TYPES[one.type]}" for one in schema_of(width))


@dataclass(frozen=True)
class Places:
    """Where rows are: as in FIXED, arrays of one length."""

    rows: pa.Array
    files: pa.Array
    in_files: pa.Array

    def filter(self, mask: pa.Array) -> Places:
        """Return the places of the rows in a mask."""
        return Places(*(one.filter(mask) for one in (self.rows, self.files, self.in_files)))

    def of(self, rows: pa.Array) -> Places:
        """Return the places of some of the rows, by their numbers."""
        at = pc.index_in(rows, value_set=self.rows)
        return Places(rows, self.files.take(at), self.in_files.take(at))


def data(places: Places, columns: Sequence[pa.Array], key: pa.Array) -> pa.RecordBatch:
    """Return data lines."""
    count = len(places.rows)
    none, nothing = pa.nulls(count, pa.string()), pa.nulls(count, pa.int64())
    kinds = pa.repeat(pa.scalar(Kind.DATA.value, pa.int8()), count)
    fixed = [kinds, places.rows, places.files, places.in_files, none, none, nothing, key]
    return pa.RecordBatch.from_arrays([*fixed, *map(_flat, columns)], schema=schema_of(len(columns)))


def rejects(places: Places, fields: pa.Array, codes: pa.Array, width: int) -> pa.RecordBatch:
    """Return the lines of unused cells and rows."""
    count = len(places.rows)
    kinds = pa.repeat(pa.scalar(Kind.REJECT.value, pa.int8()), count)
    keys = pc.binary_join_element_wise(places.rows.cast(pa.string()), pa.scalar(""), "")
    fixed = [kinds, places.rows, places.files, places.in_files, fields, codes, pa.nulls(count, pa.int64()), keys]
    return _without_data(fixed, count, width)


def whole_row_rejects(places: Places, code: str, width: int, field: str = "") -> pa.RecordBatch:
    """Return the lines of rows that are not used, all for one reason."""
    count = len(places.rows)
    return rejects(places, pa.repeat(pa.scalar(field), count), pa.repeat(pa.scalar(code), count), width)


def tallies(counts: Iterable[tuple[str, str, int]], width: int) -> pa.RecordBatch:
    """Return the lines of counts: (name, column or "", how many)."""
    found = [one for one in counts if one[2]]
    names, fields, counted = ([one[at] for one in found] for at in range(3))
    return _lines(Kind.TALLY, fields=fields, codes=names, counts=counted, width=width)


def part(name: str, rows: int, size_bytes: int, width: int) -> pa.RecordBatch:
    """Return the line of a file that was written."""
    return _lines(Kind.PART, fields=[name], codes=[""], counts=[rows], rows=[size_bytes], width=width)


def failure(error: Rejected, width: int) -> pa.RecordBatch:
    """Return the line that says why the whole export is refused."""
    return _lines(Kind.FAILURE, fields=[error.sentence], codes=[error.code], counts=[1], width=width)


def _lines(
    kind: Kind,
    *,
    fields: list[Any],
    codes: list[Any],
    counts: list[Any],
    width: int,
    rows: list[int] | None = None,
) -> pa.RecordBatch:
    count = len(fields)
    fixed = [
        pa.repeat(pa.scalar(kind.value, pa.int8()), count),
        pa.array(rows, pa.int64()) if rows else pa.nulls(count, pa.int64()),
        pa.nulls(count, pa.int32()),
        pa.nulls(count, pa.int64()),
        pa.array(fields, pa.string()),
        pa.array(codes, pa.string()),
        pa.array(counts, pa.int64()),
        pa.array(codes, pa.string()),
    ]
    return _without_data(fixed, count, width)


def _without_data(fixed: list[pa.Array], count: int, width: int) -> pa.RecordBatch:
    blank = [pa.nulls(count, pa.string())] * width
    return pa.RecordBatch.from_arrays([*map(_flat, fixed), *blank], schema=schema_of(width))


def with_width(batch: pa.RecordBatch, width: int) -> pa.RecordBatch:
    """Return lines that are no data for a stream of another width."""
    fixed = [batch.column(index) for index in range(len(FIXED))]
    return _without_data(fixed, batch.num_rows, width)


def split(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Return the data lines of a batch, and the others."""
    is_data = pc.equal(batch.column(0), Kind.DATA.value)
    if pc.all(is_data, min_count=0).as_py():
        return batch, batch.slice(0, 0)
    return batch.filter(is_data), batch.filter(pc.invert(is_data))


def gathered(batches: Iterable[pa.RecordBatch], width: int) -> tuple[pa.Table, pa.Table]:
    """Return all data lines of a partition, and all others."""
    schema = schema_of(width)
    found, others = [], []
    for batch in batches:
        lines, rest = split(batch.cast(schema) if batch.schema != schema else batch)
        found.append(lines)
        others.append(rest)
    return pa.Table.from_batches(found, schema), pa.Table.from_batches(others, schema)


def in_batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield a table in batches of at most ROWS_PER_BATCH."""
    for begin in range(0, table.num_rows, ROWS_PER_BATCH):
        yield from table.slice(begin, ROWS_PER_BATCH).combine_chunks().to_batches()


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return found.cast(pa.string()) if pa.types.is_dictionary(found.type) else found
