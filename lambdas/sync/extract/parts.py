"""Batches of rows as Parquet parts of a bounded size, at a memory that does not grow with the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from lambdas.sync.source import Destination, Part

PART_BYTES = 128 * 1024 * 1024
_GROUP_BYTES = 8 * 1024 * 1024  # of rows before compression: small enough to be read as one chunk of a drop


class _Counted:
    """A file that is written from its beginning to its end, and how much of it was."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size_bytes = 0

    def write(self, block: bytes) -> int:
        self._file.write(block)
        self.size_bytes += len(block)
        return len(block)

    def tell(self) -> int:
        return self.size_bytes

    def flush(self) -> None:
        """Leave the bytes where they are: the destination keeps them until the part ends."""

    def close(self) -> None:
        """Leave the file open: whoever opened it closes it."""


def write_parts(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, into: Destination, *, part_bytes: int = PART_BYTES
) -> tuple[Part, ...]:
    """Write batches into parts, of which there is at least one; raises what `batches` and `into` raise."""
    groups = _groups(batches, schema)
    parts: list[Part] = []
    following = next(groups, None)
    while not parts or following is not None:
        key = f"{into.prefix}part-{len(parts):05}.parquet"
        with into.create(key) as file:
            counted, rows = _Counted(file), 0
            with pq.ParquetWriter(
                pa.PythonFile(counted, mode="w"), schema, compression="zstd", compression_level=1,
                write_statistics=False,
            ) as writer:  # fmt: skip
                while following is not None:
                    writer.write_table(following)
                    rows += following.num_rows
                    following = next(groups, None)
                    if counted.size_bytes >= part_bytes:
                        break
        parts.append(Part(key, counted.size_bytes, rows))
    return tuple(parts)


def _groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield tables of about the same size, each to be one row group."""
    held: list[pa.RecordBatch] = []
    size_bytes = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        held.append(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
        size_bytes += batch.nbytes
        if size_bytes >= _GROUP_BYTES:
            yield pa.Table.from_batches(held, schema)
            held, size_bytes = [], 0
    if held:
        yield pa.Table.from_batches(held, schema)
