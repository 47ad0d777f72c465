"""Reading a whole drop in a test: its rows by number, and what became of the others."""

from __future__ import annotations

from dataclasses import dataclass, field

from activation.drops.chunk import DropReader
from activation.errors import Rejected
from activation.model import Cursor


@dataclass
class Read:
    """What came out of a reader: rows and codes by row number, ways back, and the refusal it ended with."""

    rows: dict[int, tuple[str | None, ...]] = field(default_factory=dict)
    malformed: dict[int, str] = field(default_factory=dict)
    cursors: dict[int, Cursor] = field(default_factory=dict)
    refusal: Rejected | None = None
    sizes: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Rows read, malformed ones included."""
        return len(self.rows) + len(self.malformed)


def read(reader: DropReader, start: Cursor | None = None) -> Read:
    """Read to the end or to the refusal, checking that chunks are consecutive and complete."""
    out = Read()
    expected = (start or Cursor()).row + 1
    try:
        for chunk in reader.chunks(start or Cursor()):
            assert chunk.first_row == expected
            assert chunk.row_count > 0
            expected += chunk.row_count
            numbers = chunk.rows.to_pylist()
            assert sorted([*numbers, *chunk.malformed]) == list(range(chunk.first_row, expected))
            assert numbers == sorted(numbers)
            assert tuple(chunk.columns.schema.names) == reader.header
            columns = [column.to_pylist() for column in chunk.columns.columns]
            out.rows.update(zip(numbers, zip(*columns, strict=True), strict=True))
            out.malformed.update(chunk.malformed)
            out.cursors.update({row: chunk.cursor_after(row) for row in range(chunk.first_row, expected)})
            out.sizes.append(chunk.row_count)
    except Rejected as refusal:
        out.refusal = refusal
    return out
