"""Where the rows of a chunk end in its text, from the widths of their cells, without a look at each byte."""

from __future__ import annotations

import pyarrow as pa

from activation.drops.chunk import Chunk


def plain_offsets(chunk: Chunk, size_bytes: int) -> list[memoryview] | None:
    """Return the offsets of each column's cells if the chunk's text is nothing but cells and a byte after each.

    `size_bytes` is how long the text is, in UTF-8. None where rows were left out or mended, and where anything
    else is in it, quotes or empty lines or a second byte of a line's end: each makes the text longer than that.
    """
    columns, rows = chunk.columns.columns, chunk.row_count
    if chunk.malformed or len(chunk.mended) or not columns or any(one.type != pa.string() for one in columns):
        return None
    offsets = [memoryview(one.buffers()[1]).cast("i")[one.offset :] for one in columns if len(one)]
    if len(offsets) < len(columns):
        return None
    plain_bytes = end_of_row(offsets, rows)
    # The last line of a file may lack its end.
    return offsets if size_bytes in (plain_bytes, plain_bytes - 1) else None


def end_of_row(offsets: list[memoryview], count: int) -> int:
    """Return how many bytes the first `count` rows take."""
    return sum(one[count] - one[0] for one in offsets) + len(offsets) * count
