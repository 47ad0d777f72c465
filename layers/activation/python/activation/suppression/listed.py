"""A set of suppressed identifiers, sorted, with a Bloom filter in front of it that answers nearly every question.

The bytes are what S3 holds and what a function asks, without a copy: 16 bytes of head (a mark, the logarithm of
the filter's words, zeros), the filter, then the heads in ascending order, 8 bytes each. The filter has words of 64
bits, at least one for four heads while it is small enough; a head's lowest bits choose its word, and twelve other
bits choose four bits of it. So about 1 of 200 other values passes it, and only for these is the sorted array
searched, which costs fifty times as much. A million people of two identifiers have a filter of 4 MB.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, combinations, islice, pairwise

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.table import Digest
from activation.suppression.heads import HEAD_BYTES, array_of, cells_of

_MARK = b"suppres2"
_FORMER = b"suppres1"  # one bit for each head: read still, and written anew with the list's next change
_HEAD_BYTES = 16
_HEADS_PER_WORD = 4
_LEAST_BITS, _MOST_BITS = 4, 21  # logarithms of words: 128 bytes to 16 MB
_FORMER_BITS = range(10, 28)  # logarithms of bits
_PATTERN_SHIFT = 20  # the highest twelve of a head's 32 lowest bits choose its pattern
_NO_HEADS = pa.array([], pa.uint64())
_SHIFT = pa.scalar(_PATTERN_SHIFT, pa.uint32())
# Every 155th choice of four bits of 64, so that the patterns are spread over all of them.
_PATTERNS = [sum(1 << bit for bit in bits) for bits in islice(combinations(range(64), 4), 0, 4096 * 155, 155)]
_PATTERN = pa.array(_PATTERNS, pa.uint64())


class DamagedList(Exception):
    """Stored bytes are no set of suppressed identifiers; nothing of them is shown."""


@dataclass(frozen=True)
class Listed:
    """A set of heads (uint64, ascending, each once), with its filter (uint64, a power of two of words)."""

    heads: pa.Array = field(repr=False)
    filled: pa.Array = field(repr=False)

    def __len__(self) -> int:
        return len(self.heads)

    @classmethod
    def of(cls, parts: Iterable[pa.Array]) -> Listed:
        """Return the set of heads in any order, any of them several times."""
        heads = pc.unique(pa.concat_arrays([_NO_HEADS, *parts]))
        return cls._sorted(heads.take(pc.array_sort_indices(heads)))

    @classmethod
    def _sorted(cls, heads: pa.Array) -> Listed:
        wanted = max(1, len(heads) // _HEADS_PER_WORD).bit_length()
        words = 1 << min(max(wanted, _LEAST_BITS), _MOST_BITS)
        filled = array("Q", bytes(8 * words))
        for head in _numbers(heads):
            filled[head & (words - 1)] |= _PATTERNS[(head & 0xFFFF_FFFF) >> _PATTERN_SHIFT]
        return cls(heads, _words(pa.uint64(), filled))

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

    def rows_of(self, columns: Sequence[tuple[Digest, pa.Array]]) -> list[pa.Array | None]:
        """Return for each column the indexes (int64, ascending) of its cells in the set, None where none is.

        A column is how its field travels, and its values as they are sent, see `cells_of`. They are asked about
        together: with some thousand cells, a call of Arrow's costs as much as its work.
        """
        found: list[pa.Array | None] = [None] * len(columns)
        if not len(self):
            return found
        cells = [cells_of(kind, values) for kind, values in columns]
        indexes = self._maybe(_words(pa.uint32(), b"".join([one.low_words() for one in cells])))
        if not len(indexes):
            return found
        # A column's cells follow those of the column before it.
        ends = list(accumulate(len(one) for one in cells))
        numbers = memoryview(indexes.buffers()[1]).cast("Q")[: len(indexes)]
        splits = [0, *(bisect_left(numbers, end) for end in ends)]
        own = [
            pc.subtract(indexes.slice(begin, end - begin), pa.scalar(first, pa.uint64()))
            for (begin, end), first in zip(pairwise(splits), [0, *ends], strict=False)
        ]
        listed = self.has(pa.concat_arrays([one.heads(some) for one, some in zip(cells, own, strict=True)]))
        for place, (one, some, begin) in enumerate(zip(cells, own, splits, strict=False)):
            certain = some.filter(listed.slice(begin, len(some)))
            if len(certain):
                found[place] = one.rows(certain)
        return found

    def _maybe(self, low_words: pa.Array) -> pa.Array:
        """Return the indexes (uint64) of the lowest words of heads (uint32) that pass the filter."""
        places = pc.bit_wise_and(low_words, pa.scalar(len(self.filled) - 1, pa.uint32()))
        filled = pc.take(self.filled, places, boundscheck=False)
        wanted = pc.take(_PATTERN, pc.shift_right(low_words, _SHIFT), boundscheck=False)
        return pc.indices_nonzero(pc.equal(pc.bit_wise_and(filled, wanted), wanted))

    def to_bytes(self) -> bytes:
        """Return the set as it is stored."""
        bits = (len(self.filled) - 1).bit_length()
        head = _MARK + bits.to_bytes(_HEAD_BYTES - len(_MARK), "little")
        return b"".join((head, self.filled.buffers()[1], _numbers(self.heads)))

    @classmethod
    def from_bytes(cls, data: bytes) -> Listed:
        """Return the set that `to_bytes` wrote, without a copy of it; raises DamagedList."""
        mark, bits = data[: len(_MARK)], int.from_bytes(data[len(_MARK) : _HEAD_BYTES], "little")
        known = {_MARK: range(_LEAST_BITS, _MOST_BITS + 1), _FORMER: _FORMER_BITS}.get(mark, ())
        if bits not in known:
            raise DamagedList("a stored list of suppressed people cannot be read")
        end = _HEAD_BYTES + ((1 << bits) * 8 if mark == _MARK else (1 << bits) // 8)
        if len(data) < end or (len(data) - end) % HEAD_BYTES:
            raise DamagedList("a stored list of suppressed people is incomplete")
        view = memoryview(data)
        heads = array_of(view[end:])
        return cls._sorted(heads) if mark == _FORMER else cls(heads, _words(pa.uint64(), view[_HEAD_BYTES:end]))


def _numbers(heads: pa.Array) -> memoryview:
    """Return an array of heads as numbers, without a copy."""
    data = memoryview(heads.buffers()[1] or b"").cast("B")
    return data[heads.offset * HEAD_BYTES : (heads.offset + len(heads)) * HEAD_BYTES].cast("Q")


def _words(form: pa.DataType, data: array[int] | memoryview | bytes) -> pa.Array:
    """Return numbers of a type as an array without a copy."""
    count = memoryview(data).nbytes // form.byte_width
    return pa.Array.from_buffers(form, count, [None, pa.py_buffer(data)])


NOBODY = Listed.of(())
