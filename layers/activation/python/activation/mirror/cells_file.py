"""The cells of a piece in a Parquet file, in the order of its lines.

A packed column whose values repeat, as names and countries do, is stored as bytes of any length and read with its
dictionary: Arrow does that for no other type, and it takes a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from activation.mirror.lost import reading
from activation.mirror.packing import PACKED, give_back

GROUP_LINES = 131_072
BATCH_LINES = 16_384
# A column of a row group is read through a buffer of this size: one ranged request each.
_BUFFER_BYTES = 1024 * 1024
_SAMPLE_LINES = 65_536
_REPEATED = 0.7  # a column repeats if at most so many of its first values are different
_REPEATING = pa.binary()
_WHAT = "what an audience was sent"


class CellsWriter:
    """Writes the cells of lines, a row group at a time, to a file of its own; all tables have the same columns.

    The first lines decide which columns repeat.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._lines = 0

    def write(self, table: pa.Table) -> None:
        """Write lines, or keep them until they are a row group."""
        self._waiting.append(table)
        self._lines += len(table)
        if self._lines >= GROUP_LINES:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the footer; at least one table was written before."""
        self._flush()
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting)
        self._waiting, self._lines = [], 0
        if self._writer is None:
            repeating = [name for name in table.schema.names if _repeats(table[name])]
            self._writer = pq.ParquetWriter(
                self._file,
                _stored(table.schema, repeating),
                compression="zstd",
                compression_level=1,
                use_dictionary=repeating,
                write_statistics=False,
                store_schema=False,
            )
        self._writer.write_table(table.cast(self._writer.schema), row_group_size=GROUP_LINES)


def _repeats(column: pa.ChunkedArray) -> bool:
    some = column.slice(0, _SAMPLE_LINES).drop_null()
    return len(some.unique()) <= _REPEATED * len(some)


def _stored(schema: pa.Schema, repeating: Collection[str]) -> pa.Schema:
    """Return the types in which columns are stored."""
    for place, one in enumerate(schema):
        if one.name in repeating and one.type == PACKED:
            schema = schema.set(place, pa.field(one.name, _REPEATING))
    return schema


def as_values(column: pa.Array) -> pa.Array:
    """Return a column without the dictionary that it may have been read with: packed, or as text."""
    return column.dictionary_decode().cast(PACKED) if pa.types.is_dictionary(column.type) else column


class CellsFile:
    """An open file of cells; raises Rejected with state_lost where it is damaged, or none."""

    def __init__(self, file: pa.NativeFile) -> None:
        with reading(_WHAT):
            schema = pq.read_schema(file)
            file.seek(0)
            self._file = pq.ParquetFile(
                file,
                buffer_size=_BUFFER_BYTES,
                pre_buffer=False,
                read_dictionary=[one.name for one in schema if one.type == _REPEATING],
            )
            footer = self._file.metadata
            self._groups = [footer.row_group(index).num_rows for index in range(footer.num_row_groups)]
        self.names: tuple[str, ...] = tuple(schema.names)

    @property
    def lines(self) -> int:
        """Return how many lines the file has."""
        return sum(self._groups)

    def batches(
        self, columns: Collection[str], places: Sequence[int] | None = None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield the lines of some columns in order, in batches, each with the place of its first line.

        Columns that repeat come with their dictionaries, see `as_values`; columns that the file does not have are
        left out, and so are row groups without any of the ascending `places` (None is all places).
        """
        here = [name for name in self.names if name in columns]
        begin, seen = 0, 0
        for group, lines in enumerate(self._groups):
            end = begin + lines
            if places is not None:
                while seen < len(places) and places[seen] < begin:
                    seen += 1
            if here and (places is None or (seen < len(places) and places[seen] < end)):
                yield from self._group(group, begin, here)
            begin = end

    def _group(self, group: int, begin: int, columns: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        give_back()
        with reading(_WHAT):
            batches = self._file.iter_batches(BATCH_LINES, row_groups=[group], columns=columns, use_threads=False)
        while True:
            with reading(_WHAT):
                batch = next(batches, None)
            if batch is None:
                return
            yield begin, batch
            begin += len(batch)
