"""Rows whose text cannot be used are taken out of the columns and named, each with its code."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.records import Split


def left(rows: pa.Array, malformed: Iterable[int]) -> pa.Array:
    """Return the row numbers that are not among the malformed ones."""
    return rows.filter(pc.invert(pc.is_in(rows, pa.array(sorted(malformed), pa.int64()))))


def screened(
    columns: list[pa.Array], rows: pa.Array, malformed: dict[int, str], suspects: Iterable[tuple[str, str]]
) -> tuple[list[pa.Array], pa.Array]:
    """Return columns and row numbers without the malformed rows.

    Malformed are those already known to be, and those of which a cell holds one of the `suspects`: characters
    with a code each. The latter are added to `malformed`.
    """
    for character, code in suspects:
        for column in columns:
            bad = pc.match_substring(column, character)
            if pc.any(bad).as_py():
                malformed.update((row, code) for row in rows.filter(bad).to_pylist() if row not in malformed)
    if malformed:
        good = pc.invert(pc.is_in(rows, pa.array(sorted(malformed), pa.int64())))
        columns, rows = [column.filter(good) for column in columns], rows.filter(good)
    return columns, rows


def is_utf8(data: pa.Buffer) -> bool:
    """Return whether bytes are UTF-8, without a copy of them."""
    offsets = pa.array([0, data.size], pa.int32()).buffers()[1]
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, offsets, data]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def not_utf8(records: Split) -> list[int]:
    """Find the records that are not UTF-8 by halving: quick where they are few."""
    data = pa.py_buffer(records.block)
    starts, stops = records.starts, records.stops

    def among(first: int, last: int) -> list[int]:
        begin = starts[first].as_py()
        if is_utf8(data.slice(begin, stops[last].as_py() - begin)):
            return []
        if first == last:
            return [first]
        middle = (first + last) // 2
        return among(first, middle) + among(middle + 1, last)

    return among(0, len(starts) - 1)


def decoded(block: bytes, encoding: str) -> tuple[bytes, bool]:
    """Turn a single-byte encoding into UTF-8: the text, and whether U+FFFD stands for bytes without a meaning."""
    text = block.decode(encoding, "replace")
    return text.encode(), "\ufffd" in text
