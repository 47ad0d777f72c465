"""Lists whose lines all have one width, as exported digests do: taken apart without a parser, as exactly."""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.widths import none_of

SHORTEST = 16  # bytes of a line; below it a parser is as fast


def even_lines(block: bytes, end: int, delimiter: bytes) -> pa.Array | None:
    """Return the lines before `end` as a string array, when each has the first one's width and ends as that does.

    None for any other text, and where a quote or the delimiter may stand for more than itself. The block is UTF-8.
    """
    first = block.find(b"\n", 0, end)
    ending = b"\r\n" if block[first - 1 : first] == b"\r" else b"\n"
    width = first + 1 - len(ending)
    count, rest = divmod(end, width + len(ending)) if width >= SHORTEST else (0, 0)
    if not count or rest:
        return None
    for place, byte in enumerate(ending, start=width):
        if block[place : end : width + len(ending)] != bytes([byte]) * count:
            return None
    lines = pa.Array.from_buffers(pa.binary(width + len(ending)), count, [None, pa.py_buffer(block)])
    cells = pc.binary_slice(lines, 0, width).buffers()[1]
    # A line end within a line would be another line.
    if not none_of(memoryview(cells).cast("B"), b'\r\n"' + delimiter):
        return None
    return pa.Array.from_buffers(pa.string(), count, [None, _offsets(width, count), cells])


@lru_cache(maxsize=8)
def _offsets(width: int, count: int) -> pa.Buffer:
    """Return where cells of one width begin; the blocks of a file have as many, give or take one."""
    return pa.arange(0, width * count + 1, width).cast(pa.int32()).buffers()[1]
