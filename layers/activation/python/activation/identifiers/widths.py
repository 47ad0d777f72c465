"""The bytes of a column's cells in one piece, and a quick look at them: at digests, which all have one width."""

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
    return texts_of(values)


def texts_of(values: pa.Array) -> memoryview:
    """Return the bytes of all cells of a string array, one behind the other, without a copy."""
    _, offsets, data = values.buffers()
    if data is None or not len(values):
        return memoryview(b"")
    bounds = memoryview(offsets).cast("i")
    return memoryview(data).cast("B")[bounds[values.offset] : bounds[values.offset + len(values)]]


def only_of(values: pa.Array, characters: bytes) -> bool:
    """Return whether no cell has another character than these ASCII ones; False where that takes long to tell."""
    return find_first_not_of is not None and find_first_not_of(texts_of(values), characters) < 0


def even_hex(values: pa.Array, width: int, digits: bytes = HEX) -> bool:
    """Return whether every cell is surely `width` of these digits; False where that cannot be told quickly."""
    if find_first_not_of is None:
        return False
    cells = even(values, width)
    return cells is not None and find_first_not_of(cells, digits) < 0
