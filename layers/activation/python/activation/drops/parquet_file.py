"""Parquet by row group with ranged reads: flat columns as text, memory bounded by a slice of a group.

Logical types: https://parquet.apache.org/docs/file-format/types/logicaltypedefinition/, read 2026-11-22.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from activation.drops.as_text import column_as_text
from activation.drops.chunk import ByteSource, Chunk
from activation.drops.codes import refused
from activation.drops.header import checked_names
from activation.drops.limits import KIB, MIB, ReadLimits
from activation.drops.parquet_columns import ReadColumns, columns_of
from activation.drops.screen import screened
from activation.model import Cursor

# A column of a row group is read through a buffer of this size: one ranged request each.
_BUFFER_BYTES = 2 * MIB
# The rows of a file up to this size are one request: in ranges its columns would take five or more.
_WHOLE_BYTES = 4 * MIB
# A file up to this size is read at once when it is opened; of a larger one the footer, since a folder's files are
# all opened for their columns, and not all of them are read thereafter.
_OPENED_WHOLE_BYTES = MIB // 8
# About what a slice of a row group may be when decoded, by the group's own figures.
_SLICE_BYTES = 8 * MIB
# Nearly every cell becomes a digest, which has 64 bytes however short the cell was. With as many rows of twelve
# columns as of four, a worker takes 291 MB instead of 229.
_SLICE_CELLS = 128 * KIB
T = TypeVar("T")


@dataclass(frozen=True)
class ParquetReader:
    """A Parquet file, opened: its footer is read, and no page of it."""

    format: str
    header: tuple[str, ...]
    file: pq.ParquetFile = field(repr=False)
    limits: ReadLimits
    columns: ReadColumns

    @property
    def nested(self) -> tuple[str, ...]:
        """Return the names of the lists, maps and the like that are left out."""
        return self.columns.nested

    @property
    def groups(self) -> tuple[tuple[int, int], ...]:
        """Return the number of rows and of stored bytes of each row group."""
        footer = self.file.metadata
        found = map(footer.row_group, range(footer.num_row_groups))
        return tuple(
            (one.num_rows, sum(one.column(index).total_compressed_size for index in range(one.num_columns)))
            for one in found
        )

    @property
    def _group_ends(self) -> list[int]:
        """Return the number of rows up to the end of each row group."""
        footer = self.file.metadata
        return list(accumulate(footer.row_group(index).num_rows for index in range(footer.num_row_groups)))

    def chunks(self, start: Cursor) -> Iterator[Chunk]:
        """Stream the rows after `start`; raises Rejected at a damaged page, Retryable by S3.

        The footer says where every row is, so that the cursor's row alone decides.
        """
        ends = self._group_ends

        def cursor_after(row: int) -> Cursor:
            return Cursor(row, bisect_right(ends, row))

        for group in range(bisect_right(ends, start.row), len(ends)):
            row = ends[group] - self.file.metadata.row_group(group).num_rows
            for batch in self._batches(group):
                skipped = max(0, min(start.row - row, len(batch)))
                row += skipped
                if skipped < len(batch):
                    yield self._chunk(batch.slice(skipped), row + 1, cursor_after)
                row += len(batch) - skipped

    def _batches(self, group: int) -> Iterator[pa.RecordBatch]:
        figures = self.file.metadata.row_group(group)
        row_bytes = max(1, figures.total_byte_size // max(1, figures.num_rows))
        read = self.columns.read
        cells = len(read) if read is not None else figures.num_columns
        rows = min(self.limits.slice_rows, _SLICE_BYTES // row_bytes, _SLICE_CELLS // max(1, cells))
        rows = max(1_024, rows)
        batches = self.file.iter_batches(
            rows, row_groups=[group], columns=None if read is None else [*read], use_threads=False
        )
        while True:
            batch = _understood(lambda: next(batches, None))
            if batch is None:
                return
            if len(batch):
                yield batch

    def _chunk(self, batch: pa.RecordBatch, first_row: int, cursor_after: Callable[[int], Cursor]) -> Chunk:
        rows = pa.arange(first_row, first_row + len(batch))
        malformed: dict[int, str] = {}
        columns = []
        for column in self.columns.of(batch):
            text, undecodable = column_as_text(column)
            columns.append(text)
            malformed.update((first_row + index, "not_utf8") for index in undecodable)
        columns, rows = screened(columns, rows, malformed, [("\0", "nul_in_cell")])
        named = pa.RecordBatch.from_arrays(columns, names=list(self.header))
        return Chunk(first_row, len(batch), named, rows, cursor_after, malformed)


def open_parquet(source: ByteSource, limits: ReadLimits, suffix: str, single: str | None) -> ParquetReader:
    """Read the footer and check every column; lists and maps are left out.

    Raises Rejected: corrupt_parquet, encrypted_parquet, nested_parquet_column, unreadable_parquet_column,
    decompression_bomb, or what is wrong with the columns' names.
    """
    ranged = RangedFile(source, whole_bytes=_OPENED_WHOLE_BYTES)
    opened = pa.PythonFile(ranged, mode="r")
    file = _understood(lambda: pq.ParquetFile(opened, buffer_size=_BUFFER_BYTES, pre_buffer=False))
    ranged.whole_bytes = _WHOLE_BYTES
    schema = _understood(lambda: file.schema_arrow)
    columns = columns_of(schema)
    inflated = sum(file.metadata.row_group(index).total_byte_size for index in range(file.num_row_groups))
    ratio = inflated / source.size_bytes
    if inflated > limits.inflated_bytes or (inflated > limits.ratio_free_bytes and ratio > limits.inflated_ratio):
        raise refused("decompression_bomb")
    names = checked_names([*columns.names], "", limits.columns)
    if single is not None:
        if len(names) != 1:
            raise refused("header_unusable", why="a single-column list is expected, and it has several columns")
        names = (single,)
    return ParquetReader(f"parquet{suffix}", names, file, limits, columns)


def _understood(read: Callable[[], T]) -> T:
    """Turn what Arrow raises of a file's content into a refusal; what the source raises passes."""
    try:
        return read()
    except (pa.ArrowException, OSError) as error:
        text = str(error).lower()
        encrypted = any(word in text for word in ("encrypt", "decrypt", "crypto"))
        raise refused("encrypted_parquet" if encrypted else "corrupt_parquet") from None


class RangedFile(io.RawIOBase):
    """A source as a file to seek in; one of up to `whole_bytes` is read at once, and kept while it is open."""

    def __init__(self, source: ByteSource, *, whole_bytes: int) -> None:
        self.whole_bytes = whole_bytes
        self._source = source
        self._at = 0
        self._whole = b""

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: it can be read from any offset."""
        return True

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self._at

    def size(self) -> int:
        """Return the size in bytes."""
        return self._source.size_bytes

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset and give it, counted from the beginning."""
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size_bytes}[whence]
        self._at = max(0, begin + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, all that are left when negative; raises what the source raises."""
        left = max(0, self._source.size_bytes - self._at)
        wanted = left if size < 0 else min(size, left)
        data = self._range(wanted) if wanted else b""
        self._at += len(data)
        return data

    def _range(self, length: int) -> bytes:
        if self._source.size_bytes > self.whole_bytes:
            return self._source.read(self._at, length)
        if not self._whole:
            self._whole = self._source.read(0, self._source.size_bytes)
        return self._whole[self._at : self._at + length]
