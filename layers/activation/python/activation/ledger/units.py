"""What a run reads and acknowledges at a time: units of an upload, spans of rows, and cells left out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from activation.model import Cursor

FIRST_ROWS_KEPT = 5


@dataclass(frozen=True, order=True)
class Unit:
    """What the ledger acknowledges as a whole: an upload, or a part of one.

    `first_row` and `last_row` are the batch's source rows, `key` is the upload's name within the batch. `part` is
    "" for the whole upload; each half of an upload that was refused or too large appends "0" or "1".
    """

    first_row: int
    last_row: int
    key: str
    part: str = ""

    def same_upload(self, other: Unit) -> bool:
        """Return whether both are parts of the same upload."""
        return (self.first_row, self.last_row, self.key) == (other.first_row, other.last_row, other.key)

    def within(self, other: Unit) -> bool:
        """Return whether the unit is a part of `other`, and not all of it."""
        return self.same_upload(other) and self.part != other.part and self.part.startswith(other.part)


@dataclass
class LeftOut:
    """Cells left out of rows that were sent: `cells` is how many, `first_rows` the first rows they are in.

    `first_places` are those rows in a folder: the index of the file and the row's number there; empty for a file.
    """

    cells: int = 0
    first_rows: tuple[int, ...] = ()
    first_places: tuple[tuple[int, int], ...] = ()

    def add(self, other: LeftOut) -> None:
        """Add cells of the same field and code from further on in the file."""
        self.cells += other.cells
        self.first_rows = (*self.first_rows, *other.first_rows)[:FIRST_ROWS_KEPT]
        self.first_places = (*self.first_places, *other.first_places)[:FIRST_ROWS_KEPT]


LeftOutCells = dict[str, dict[str, LeftOut]]  # by field, then by code


def add_left_out(into: LeftOutCells, more: Mapping[str, Mapping[str, LeftOut]]) -> None:
    """Add the cells in `more`, which were left out further on in the file."""
    for key, codes in more.items():
        for code, found in codes.items():
            into.setdefault(key, {}).setdefault(code, LeftOut()).add(found)


@dataclass(frozen=True)
class Span:
    """The consecutive source rows of one batch, and what is not sent of them.

    `first_row` and `last_row` are counted from 1, both inclusive. `rejected` counts the rows that we rejected, by
    code. `left_out` are the cells of the other rows that are left out. `after` is the cursor after the span.
    `mended` counts the rows that lacked blank cells at their end or had too many, `by_row` the events among those
    that are sent whose id is made of the drop and the row.
    """

    first_row: int
    last_row: int
    rejected: Mapping[str, int]
    left_out: Mapping[str, Mapping[str, LeftOut]]
    after: Cursor
    mended: int = 0
    by_row: int = 0
