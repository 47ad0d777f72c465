"""Rows whose text cannot be used are taken out of the columns and named, each with its code."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc


def screened(
    columns: list[pa.Array], rows: pa.Array, malformed: dict[int, str], suspects: Iterable[tuple[str, str]]
) -> tuple[list[pa.Array], pa.Array]:
    """Give columns and row numbers without the rows that are no text; those are added to `malformed`.

    A binary column is read as UTF-8 and leaves as text. `suspects` are characters no cell may hold, each with
    its code.
    """
    checked = [_as_text(column) for column in columns]
    faults = [(bad, "not_utf8") for _, bad in checked if bad is not None]
    columns = [column for column, _ in checked]
    for character, code in suspects:
        for column in columns:
            found = pc.match_substring(column, character)
            if pc.any(found).as_py():
                faults.append((found, code))
    for bad, code in faults:
        for row in rows.filter(bad).to_pylist():
            malformed.setdefault(row, code)
    if faults:
        good = pc.invert(pc.is_in(rows, pa.array(sorted(malformed), pa.int64())))
        columns, rows = [column.filter(good) for column in columns], rows.filter(good)
    return columns, rows


def _as_text(column: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Give a column as text and, where cells are not UTF-8, a mask of them; those cells become blank."""
    if not pa.types.is_binary(column.type):
        return column, None
    bad = _not_utf8(column, 0)
    if not bad:
        return column.cast(pa.string()), None
    mask = pc.is_in(pa.arange(0, len(column)), pa.array(bad, pa.int64()))
    return pc.if_else(mask, pa.scalar(b"", pa.binary()), column).cast(pa.string()), mask


def _not_utf8(column: pa.Array, base: int) -> list[int]:
    """Find the cells that are not UTF-8 by halving: quick where they are few."""
    try:
        column.cast(pa.string())
    except pa.ArrowInvalid:
        if len(column) == 1:
            return [base]
        half = len(column) // 2
        return _not_utf8(column[:half], base) + _not_utf8(column[half:], base + half)
    return []
