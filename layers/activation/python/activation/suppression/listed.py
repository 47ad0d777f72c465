"""A set of suppressed identifiers, sorted, with a bitmap in front of it that answers nearly every question.

The bytes are what S3 holds and what a function asks, without a copy: 16 bytes of head (a mark, the logarithm of
the bitmap's bits, zeros), the bitmap, then the heads in ascending order, 8 bytes each. The bitmap has at least 64
bits for each head, and a bit is set where a head's lowest bits are its place; so about 3 of 200 other values pass
it, and only for these is the sorted array searched, which costs twenty times as much.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.table import Digest
from activation.suppression.heads import HEAD_BYTES, array_of, cells_of

_MARK = b"suppres1"
_HEAD_BYTES = 16
_BITS_PER_HEAD = 64
_LEAST_BITS, _MOST_BITS = 10, 27  # logarithms: 128 bytes to 16 MB
_NO_HEADS = pa.array([], pa.uint64())
_THREE, _SEVEN = pa.scalar(3, pa.uint32()), pa.scalar(7, pa.uint32())
_BIT = pa.array([1 << bit for bit in range(8)], pa.uint8())


class DamagedList(Exception):
    """Stored bytes are no set of suppressed identifiers; nothing of them is shown."""


@dataclass(frozen=True)
class Listed:
    """A set of heads (uint64, ascending, each once), with its bitmap (uint8, eight places each)."""

    heads: pa.Array = field(repr=False)
    bitmap: pa.Array = field(repr=False)

    def __len__(self) -> int:
        return len(self.heads)

    @classmethod
    def of(cls, parts: Iterable[pa.Array]) -> Listed:
        """Return the set of heads in any order, any of them several times."""
        heads = pc.unique(pa.concat_arrays([_NO_HEADS, *parts]))
        return cls._sorted(heads.take(pc.array_sort_indices(heads)))

    @classmethod
    def _sorted(cls, heads: pa.Array) -> Listed:
        wanted = max(1, len(heads) * _BITS_PER_HEAD - 1).bit_length()
        bits = min(max(wanted, _LEAST_BITS), _MOST_BITS)
        filled = bytearray((1 << bits) // 8)
        places = pc.bit_wise_and(heads, pa.scalar((1 << bits) - 1, pa.uint64()))
        for place in memoryview(places.buffers()[1]).cast("Q")[: len(heads)] if len(heads) else ():
            filled[place >> 3] |= 1 << (place & 7)
        return cls(heads, _bytes_of(filled))

    def joined(self, others: Iterable[Listed]) -> Listed:
        """Return this set together with others."""
        return Listed.of([self.heads, *(one.heads for one in others)])

    def without(self, other: Listed) -> Listed:
        """Return the set without what another one holds."""
        return Listed._sorted(self.heads.filter(pc.invert(other.has(self.heads))))

    def has(self, heads: pa.Array) -> pa.Array:
        """Mask the heads that are in the set."""
        if not len(self) or not len(heads):
            return pa.repeat(pa.scalar(False), len(heads))
        places = pc.search_sorted(self.heads, heads)
        last = pa.scalar(len(self) - 1, pa.uint64())
        return pc.equal(self.heads.take(pc.min_element_wise(places, last)), heads)

    def rows_of(self, kind: Digest, values: pa.Array) -> pa.Array | None:
        """Return the indexes (int64, ascending) of a column's cells that are in the set, None where none is.

        `kind` says how the column's field travels; `values` is as it is sent, see `cells_of`.
        """
        if not len(self) or values.null_count == len(values):
            return None
        cells = cells_of(kind, values)
        if not len(cells):
            return None
        indexes = self._maybe(cells.low_words())
        if not len(indexes):
            return None
        found = indexes.filter(self.has(cells.heads(indexes)))
        if not len(found):
            return None
        return cells.rows(found)

    def _maybe(self, low_words: pa.Array) -> pa.Array:
        """Return the indexes (uint64) of the words (uint32) whose place in the bitmap is filled.

        Byte and bit are taken apart, since Arrow takes bytes in less than half of the time of single bits.
        """
        places = pc.bit_wise_and(low_words, pa.scalar(8 * len(self.bitmap) - 1, pa.uint32()))
        filled = pc.take(self.bitmap, pc.shift_right(places, _THREE), boundscheck=False)
        bit = pc.take(_BIT, pc.bit_wise_and(places, _SEVEN), boundscheck=False)
        return pc.indices_nonzero(pc.bit_wise_and(filled, bit))

    def to_bytes(self) -> bytes:
        """Return the set as it is stored."""
        bits = (8 * len(self.bitmap) - 1).bit_length()
        head = _MARK + bits.to_bytes(_HEAD_BYTES - len(_MARK), "little")
        data = memoryview(self.heads.buffers()[1] or b"").cast("B")
        begin = self.heads.offset * HEAD_BYTES
        bitmap = self.bitmap.buffers()[1]
        return b"".join((head, bitmap, data[begin : begin + len(self.heads) * HEAD_BYTES]))

    @classmethod
    def from_bytes(cls, data: bytes) -> Listed:
        """Return the set that `to_bytes` wrote, without a copy of it; raises DamagedList."""
        bits = int.from_bytes(data[len(_MARK) : _HEAD_BYTES], "little")
        if data[: len(_MARK)] != _MARK or not _LEAST_BITS <= bits <= _MOST_BITS:
            raise DamagedList("a stored list of suppressed people cannot be read")
        end = _HEAD_BYTES + (1 << bits) // 8
        if len(data) < end or (len(data) - end) % HEAD_BYTES:
            raise DamagedList("a stored list of suppressed people is incomplete")
        view = memoryview(data)
        return cls(array_of(view[end:]), _bytes_of(view[_HEAD_BYTES:end]))


def _bytes_of(data: bytearray | memoryview) -> pa.Array:
    return pa.Array.from_buffers(pa.uint8(), len(data), [None, pa.py_buffer(data)])


NOBODY = Listed.of(())
