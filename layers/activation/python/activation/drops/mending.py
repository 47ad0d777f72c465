"""Rows that differ from the header by blank cells at their end: made as wide as the header is.

Outlook, and many a spreadsheet, leave blank cells at the end out (https://github.com/ddeboer/data-import/issues/33);
others end every row with separators. Neither says that a cell is in the wrong column.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv


def with_mended(
    columns: list[pa.Array], odd: Sequence[pa.csv.InvalidRow], delimiter: str
) -> tuple[list[pa.Array], list[int], list[int]]:
    """Put rows of another width back among the others, where only blank cells are missing or too many.

    `columns` are the rows as wide as the header, `odd` the others, numbered from 1 among all. Returns the columns
    with the mended rows, the indexes of those that stay out, and of those that were mended.
    """
    mended: dict[int, list[str]] = {}
    ragged = []
    for row in odd:
        cells = _mended(next(csv.reader([row.text], delimiter=delimiter), []), len(columns))
        if cells is None:
            ragged.append(row.number - 1)
        else:
            mended[row.number - 1] = cells
    if not mended:
        return columns, ragged, []
    every = pa.arange(0, len(columns[0]) + len(odd))
    places = pa.array([row.number - 1 for row in odd], pa.int64())
    even = every.filter(pc.invert(pc.is_in(every, places)))
    order = pc.sort_indices(pa.concat_arrays([even, pa.array(list(mended), pa.int64())]))
    cells_of = zip(*mended.values(), strict=True)
    whole = [
        pa.concat_arrays([column, pa.array(cells, pa.string())]).take(order)
        for column, cells in zip(columns, cells_of, strict=True)
    ]
    return whole, ragged, list(mended)


def _mended(cells: list[str], width: int) -> list[str] | None:
    """Return as many cells as the header has; None where a cell is too many or the row is a line of text."""
    if len(cells) > width:
        return None if any(cell.strip() for cell in cells[width:]) else cells[:width]
    if len(cells) == 1 and _is_prose(cells[0]):
        return None
    return cells + [""] * (width - len(cells))


def _is_prose(cell: str) -> bool:
    """Return whether a lone cell is a remark, as reports end with ("Confidential - do not copy")."""
    return len(cell.split()) > 1 and any(c.isalpha() for c in cell) and "@" not in cell
