"""The bytes of a column's cells in one piece, and a quick look at them: at digests, which all have one width."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

try:
    from stringzilla import find_first_not_of, find_first_of
except ImportError:  # Spark has Arrow but not this: there every cell is looked at by itself
    find_first_not_of = find_first_of = None

LOWER_HEX = b"0123456789abcdef"
_LINES = 16  # of one text
HEX = LOWER_HEX + b"ABCDEF"


def even(values: pa.Array, width: int) -> memoryview | None:
    """Return the bytes of all cells of a string array, concatenated, without a copy.

    None where a cell is null or has another width than `width` bytes, and for an array without cells.
    """
    if values.null_count or not len(values):
        return None
    widths = pc.min_max(pc.binary_length(values))
    if widths["min"].as_py() != width or widths["max"].as_py() != width:
        return None
    return texts_of(values)


def texts_of(values: pa.Array) -> memoryview:
    """Return the bytes of all cells of a string array, concatenated, without a copy."""
    _, offsets, data = values.buffers()
    if data is None or not len(values):
        return memoryview(b"")
    bounds = memoryview(offsets).cast("i")
    return memoryview(data).cast("B")[bounds[values.offset] : bounds[values.offset + len(values)]]


def from_start(values: pa.Array) -> pa.Array:
    """Return an array whose buffers hold no cells before its own, copied if it is a slice of another."""
    return pa.concat_arrays([values]) if values.offset else values


def with_bytes(like: pa.Array, data: bytes, offsets: pa.Buffer) -> pa.Array:
    """Return a string array with other bytes: as long as another one, and null where that is."""
    buffers = [like.buffers()[0], offsets, pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(like), buffers, like.null_count, like.offset)


def bytes_of(values: pa.Array) -> bytes:
    """Return a copy of the bytes that a string array's offsets count from."""
    data = values.buffers()[2]
    return data.to_pybytes() if data else b""


def only_with(values: pa.Array, characters: bytes) -> pa.Array:
    """Return a string array with nothing but these ASCII characters in its cells."""
    values = from_start(values)
    data = bytes_of(values)
    kept = data.translate(None, bytes(set(range(256)) - set(characters)))
    if len(kept) == len(data):
        return values
    counted = pa.py_buffer(data.translate(bytes(one in characters for one in range(256))))
    before = pc.cumulative_sum(pa.Array.from_buffers(pa.uint8(), len(data), [None, counted]).cast(pa.int32()))
    offsets = pa.Array.from_buffers(pa.int32(), len(values) + 1, [None, values.buffers()[1]])
    moved = pa.concat_arrays([pa.array([0], pa.int32()), before]).take(offsets)
    return with_bytes(values, kept, moved.buffers()[1])


def shapes(values: pa.Array, table: bytes) -> pa.DictionaryArray:
    """Return the shape of each cell: its bytes as `table` translates them, such as every digit to one.

    A column of numbers has a few dozen different shapes. `table` (256 bytes, of bytes.maketrans) translates ASCII
    to ASCII alone.
    """
    return with_bytes(values, bytes_of(values).translate(table), values.buffers()[1]).dictionary_encode()


def matched(values: pa.Array, pattern: str) -> pa.Array:
    """Mask the cells of a string array that match a pattern as a whole; a null cell comes out as null.

    Several cells at a time, as lines of one text, since a match takes a third of its time to begin; those of a
    text that does not match are then looked at by themselves.
    """
    count = len(values)
    # A cell with a line end would be several lines.
    if count < _LINES or values.null_count or find_first_of is None or find_first_of(texts_of(values), b"\n") >= 0:
        return pc.match_substring_regex(values, rf"\A{pattern}\z")
    begins = pa.array([*range(0, count, _LINES), count], pa.int32())
    texts = pc.binary_join(pa.ListArray.from_arrays(begins, values), "\n")
    lines = pc.match_substring_regex(texts, rf"\A{pattern}(?:\n{pattern})*\z")
    if lines.true_count == len(lines):
        return pa.repeat(pa.scalar(True), count)
    found = lines.take(pc.divide(pa.arange(0, count), _LINES))
    others = pc.invert(found)
    return pc.replace_with_mask(found, others, pc.match_substring_regex(values.filter(others), rf"\A{pattern}\z"))


def only_of(values: pa.Array, characters: bytes) -> bool:
    """Return whether no cell has another character than these ASCII ones; False where that takes long to tell."""
    return find_first_not_of is not None and find_first_not_of(texts_of(values), characters) < 0


def none_of(text: memoryview, characters: bytes) -> bool:
    """Return whether UTF-8 text has none of these ASCII characters."""
    if find_first_of is None:
        return len(bytes(text).translate(None, characters)) == len(text)
    return bool(find_first_of(text, characters) < 0)


def even_hex(values: pa.Array, width: int, digits: bytes = HEX) -> bool:
    """Return whether every cell is surely `width` of these digits; False where that cannot be told quickly."""
    if find_first_not_of is None:
        return False
    cells = even(values, width)
    return cells is not None and find_first_not_of(cells, digits) < 0
