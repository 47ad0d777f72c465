"""Finding the few cells of a column that may be among some values, mostly without looking at a whole cell.

A column has millions of digests, of which one in a hundred is looked for. To look a digest up in a set of Arrow's
takes 150 ns, and the set is built anew with every call. Its first bits in a table of bits that fits the
processor's cache take 10 ns, and of what they leave, the next bits leave one in a thousand too many.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.packing import PACKED, Values

_BITS = 22
_WORDS = PACKED.byte_width // 4


class Probe:
    """The values looked for in one column of several pieces; the column may be packed or text."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._tables: list[pa.Array] = []

    def perhaps(self, column: pa.Array) -> pa.Array:
        """Return which cells may be among the values; a text is exactly if it says so, and a null never is."""
        wanted = self._values.of_type(column.type)
        if column.type != PACKED or not len(wanted) or column.null_count == len(column):
            return pc.is_in(column, wanted)
        if not self._tables:
            self._tables = [_table(wanted, word) for word in range(2)]
        first, second = self._tables
        mask = pc.and_(first.take(_bits(column, 0)), column.is_valid())
        return pc.replace_with_mask(mask, mask, second.take(_bits(column.filter(mask), 1)))


def _bits(column: pa.Array, word: int) -> pa.Array:
    """Return 22 bits of each digest, from one of its words of 4 bytes; anything for a null."""
    words = pa.Array.from_buffers(
        pa.uint32(), _WORDS * len(column), [None, column.buffers()[1]], offset=_WORDS * column.offset
    )
    places = pc.add(pc.multiply(pa.arange(0, len(column)), _WORDS), word).cast(pa.int32())
    return pc.shift_right(words.take(places), pa.scalar(32 - _BITS, pa.uint32()))


def _table(values: pa.Array, word: int) -> pa.Array:
    """Return a mask by bits: true for those that one of the values has."""
    found = bytearray(1 << _BITS)
    for bits in memoryview(_bits(values, word).buffers()[1]).cast("I")[: len(values)]:
        found[bits] = 1
    return pa.Array.from_buffers(pa.uint8(), len(found), [None, pa.py_buffer(found)]).cast(pa.bool_())
