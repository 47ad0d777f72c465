"""A chunk after identification, cut where spans end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from activation.pipeline.further import Lines


@dataclass(frozen=True)
class Identified:
    """A chunk after identification: what would be sent, the findings and the mended rows, all in row order.

    `by_row` are the rows of events that would be sent with an id made of the drop and the row.
    """

    columns: pa.RecordBatch
    rows: pa.Array
    rejected: pa.Table
    left_out: pa.Table
    mended: pa.Array
    by_row: pa.Array
    further: tuple[Lines, ...] = ()

    @property
    def rows_sent(self) -> int:
        """Return how many rows would be sent."""
        return len(self.rows)

    def sent_row(self, index: int) -> int:
        """Return the source row number of one of them."""
        number: int = self.rows[index].as_py()
        return number

    def up_to(self, row: int) -> Identified:
        """Return what concerns the rows up to `row`."""
        count = _count_up_to(self.rows, row)
        return Identified(
            self.columns.slice(0, count),
            self.rows.slice(0, count),
            self.rejected.slice(0, _count_up_to(self.rejected["row"], row)),
            self.left_out.slice(0, _count_up_to(self.left_out["row"], row)),
            self.mended.slice(0, _count_up_to(self.mended, row)),
            self.by_row.slice(0, _count_up_to(self.by_row, row)),
            tuple(one.slice(0, _count_up_to(one.rows, row)) for one in self.further),
        )

    def behind(self, row: int) -> Identified | None:
        """Return what concerns the rows after `row`, None if nothing does."""
        count = _count_up_to(self.rows, row)
        rest = Identified(
            self.columns.slice(count),
            self.rows.slice(count),
            self.rejected.slice(_count_up_to(self.rejected["row"], row)),
            self.left_out.slice(_count_up_to(self.left_out["row"], row)),
            self.mended.slice(_count_up_to(self.mended, row)),
            self.by_row.slice(_count_up_to(self.by_row, row)),
            tuple(one.slice(_count_up_to(one.rows, row)) for one in self.further),
        )
        found = rest.rejected.num_rows or rest.left_out.num_rows or len(rest.mended)
        return rest if rest.rows_sent or found else None


def together(parts: Sequence[tuple[Lines, ...]]) -> tuple[Lines, ...]:
    """Return the lines of several chunks together, by how manieth values they hold."""
    found = []
    for place in range(max((len(one) for one in parts), default=0)):
        lines = [one[place] for one in parts if place < len(one) and len(one[place].rows)]
        if lines:
            rows = pa.concat_arrays([flat(one.rows) for one in lines])
            found.append(Lines(pa.Table.from_batches([one.columns for one in lines]), rows))
    return tuple(found)


def flat(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return an array in one piece."""
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _count_up_to(numbers: pa.Array | pa.ChunkedArray, row: int) -> int:
    """Return how many of the ascending numbers are at most `row`.

    They mostly follow each other without a gap, but findings repeat a row and leave others out: 1, 3, 3.
    """
    count = len(numbers)
    if not count:
        return 0
    guess = min(max(row - numbers[0].as_py() + 1, 0), count)
    if (guess == 0 or numbers[guess - 1].as_py() <= row) and (guess == count or numbers[guess].as_py() > row):
        return int(guess)
    return bisect_right(range(len(numbers)), row, key=lambda place: numbers[place].as_py())
