"""Columns whose cells all have one width, as digests do: their bytes in one piece, and a quick look at them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

try:
    from stringzilla import find_first_not_of
except ImportError:  # Spark has Arrow but not this: there every cell is looked at by itself
    find_first_not_of = None

LOWER_HEX = b"0123456789abcdef"
HEX = LOWER_HEX + b"ABCDEF"


def even(values: pa.Array, width: int) -> memoryview | None:
    """Return the bytes of all cells of a string array, one behind the other, without a copy.

    None where a cell is null or has another width than `width` bytes, and for an array without cells.
    """
    if values.null_count or not len(values):
        return None
    widths = pc.min_max(pc.binary_length(values))
    if widths["min"].as_py() != width or widths["max"].as_py() != width:
        return None
    _, offsets, data = values.buffers()
    begin = memoryview(offsets).cast("i")[values.offset]
    return memoryview(data).cast("B")[begin : begin + width * len(values)]


def even_hex(values: pa.Array, width: int, digits: bytes = HEX) -> bool:
    """Return whether every cell is surely `width` of these digits; False where that cannot be told quickly."""
    if find_first_not_of is None:
        return False
    cells = even(values, width)
    return cells is not None and find_first_not_of(cells, digits) < 0
