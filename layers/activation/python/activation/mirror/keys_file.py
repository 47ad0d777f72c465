"""The keys of a piece in a file of its own, in ranges, so that those of a range are read at once.

Keys that begin with the same 10 bits are a range; ranges are in order, keys within one are not. A set of 10,000
keys stays in the processor's cache, in which Arrow finds one in 30 ns and not in 200, as among 600,000. The file:

    8 bytes, the mark; 8, how many keys; 4, 1 with rows and else 0; 4 x 1,025, how many keys come before each range
    of each 64 ranges together: the keys (8 bytes each), then their lines' places in the piece (4 each, and 4 more
    where they are odd in number, so that all begins at a multiple of 8) with rows the source row of each line, by
    place (8 each)

All numbers are unsigned and little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.lost import reading, state_lost

RANGES = 1024
TOGETHER = 64
_SHIFT = 64 - 10
_HEAD = struct.Struct(f"<8sQI{RANGES + 1}I")
_MARK = b"AAKEYS1\n"
_WHAT = "the list of an audience's keys"


def write_keys(file: IO[bytes], keys: pa.Array, rows: pa.Array | None) -> None:
    """Write a file of keys (uint64, in the order of their lines), and of the lines' source rows where needed."""
    ranges = pc.shift_right(keys, pa.scalar(_SHIFT, pa.uint64())).cast(pa.uint16())
    order = pc.sort_indices(ranges)
    counts = dict.fromkeys(range(RANGES), 0)
    for one in pc.value_counts(ranges):
        counts[one["values"].as_py()] = one["counts"].as_py()
    before = [0, *accumulate(counts[one] for one in range(RANGES))]
    file.write(_HEAD.pack(_MARK, len(keys), int(rows is not None), *before))
    for first in range(0, RANGES, TOGETHER):
        begin, end = before[first], before[first + TOGETHER]
        some = order.slice(begin, end - begin)
        file.write(_bytes(keys.take(some)))
        file.write(_bytes(some.cast(pa.uint32())))
        file.write(b"\0" * (4 * (len(some) % 2)))
    if rows is not None:
        file.write(_bytes(rows.cast(pa.int64())))


def _bytes_of(count: int) -> int:
    """Return how many bytes so many keys take, and their places."""
    return 8 * count + 4 * (count + count % 2)


def _bytes(numbers: pa.Array) -> memoryview:
    width = numbers.type.byte_width
    first = width * numbers.offset
    return memoryview(numbers.buffers()[1] or b"")[first : first + width * len(numbers)]


@dataclass(frozen=True)
class Block:
    """The keys of 64 ranges of a piece, and the places of their lines in it."""

    keys: pa.Array
    places: pa.Array
    before: Sequence[int] = field(repr=False)

    def range(self, number: int) -> tuple[int, int]:
        """Return where one of the 64 ranges begins and ends."""
        return self.before[number] - self.before[0], self.before[number + 1] - self.before[0]


class KeysFile:
    """An open file of keys; raises Rejected with state_lost where it is damaged, or none."""

    def __init__(self, file: pa.NativeFile) -> None:
        self._file = file
        with reading(_WHAT):
            head = file.read(_HEAD.size)
        if len(head) != _HEAD.size or not head.startswith(_MARK):
            raise state_lost(f"{_WHAT} is damaged")
        _, self.lines, has_rows, *self._before = _HEAD.unpack(head)
        if self._before != sorted(self._before) or self._before[-1] != self.lines:
            raise state_lost(f"{_WHAT} is damaged")
        self.has_rows = bool(has_rows)  # they are kept where one has several lines
        sizes = (_bytes_of(end - begin) for begin, end in pairwise(self._before[::TOGETHER]))
        self._offsets = [*accumulate(sizes, initial=_HEAD.size)]

    def block(self, number: int) -> Block:
        """Return 64 ranges, of which there are 16 times as many."""
        before = self._before[number * TOGETHER : (number + 1) * TOGETHER + 1]
        count = before[-1] - before[0]
        data = self._read(self._offsets[number], _bytes_of(count))
        keys = pa.Array.from_buffers(pa.uint64(), count, [None, data.slice(0, 8 * count)])
        places = pa.Array.from_buffers(pa.uint32(), count, [None, data.slice(8 * count)])
        return Block(keys, places, before)

    def rows(self) -> pa.Array:
        """Return the source row of each line, in the order of lines."""
        data = self._read(self._offsets[-1], 8 * self.lines)
        return pa.Array.from_buffers(pa.int64(), self.lines, [None, data])

    def _read(self, offset: int, length: int) -> pa.Buffer:
        with reading(_WHAT):
            self._file.seek(offset)
            data = self._file.read_buffer(length)
        if len(data) != length:
            raise state_lost(f"{_WHAT} is damaged")
        return data
