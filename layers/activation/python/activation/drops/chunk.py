"""What every reader gives: rows as text columns, with their numbers and the way back to each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from activation.model import Cursor


def _no_rows() -> pa.Array:
    return pa.array([], pa.int64())


@dataclass(frozen=True)
class Chunk:
    """A run of consecutive source rows, `first_row` to `first_row + row_count - 1`, counted from 1.

    `columns` has the file's columns as string arrays, in the header's order, one line per well-formed row, and
    `rows` (int64) the source row number of each line. `malformed` maps the numbers of the other rows to stable
    codes (`ragged_row`, `nul_in_cell`, ...), and `mended` (int64, ascending) has the well-formed rows that lacked
    blank cells at their end or had too many. `cursor_after` turns a source row of this chunk into the place
    where reading goes on after it; it may be slow, and is asked only where a batch ends.
    """

    first_row: int
    row_count: int
    columns: pa.RecordBatch = field(repr=False)
    rows: pa.Array
    cursor_after: Callable[[int], Cursor]
    malformed: Mapping[int, str] = field(default_factory=dict)
    mended: pa.Array = field(default_factory=_no_rows)
    file: str = ""
    before: int = 0

    def spoken(self, row: int) -> str:
        """Return how to name a row of this chunk to people."""
        return f"row {row - self.before} of {self.file}" if self.file else f"row {row}"


class DropReader(Protocol):
    """One drop, opened: a file, or the files of a folder.

    Reading again from a cursor gives the same rows with the same numbers.
    """

    @property
    def format(self) -> str:
        """What was found: csv, tsv, list, jsonl or parquet, with "+gzip" or "+zstd" when it came inside that."""
        ...

    @property
    def header(self) -> tuple[str, ...]:
        """The columns' names, as the file has them; a single-column list's is its identifier type."""
        ...

    @property
    def nested(self) -> tuple[str, ...]:
        """The names of what the file holds lists under, which are no columns of it."""
        ...

    def chunks(self, start: Cursor) -> Iterator[Chunk]:
        """Stream the rows after `start`.

        Raises Rejected with a stable code when the file cannot be read on (truncated, too long a record, a
        bomb), Retryable when the storage fails.
        """
        ...


class ByteSource(Protocol):
    """The bytes of one object version, read by range."""

    @property
    def size_bytes(self) -> int:
        """The stored size."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`, fewer only at the end; raises Retryable or Rejected."""
        ...
