"""Find rows that repeat an earlier row: by a hash of each row, confirmed by comparing the rows."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from activation.identifiers.widths import even

SHARE_BITS = 6  # rows are compared in 64 shares, so that each share's lookups fit a processor's cache
MIX = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: spreads similar numbers
WORD_BYTES = 8
ONES = 2**64 - 1


def repeated(columns: pa.Table) -> pa.Array | None:
    """Return a mask of the rows whose every cell equals an earlier row's; None if there is none."""
    numbers = pa.concat_arrays([_numbers(batch) for batch in columns.to_batches()])
    if _all_differ(numbers):
        return None
    places = [_again(places, numbers.take(places), columns) for places in _shares(numbers)]
    found = pa.concat_arrays([one for one in places if len(one)] or [pa.array([], pa.uint64())])
    return pc.is_in(pa.arange(0, len(numbers)), found.cast(pa.int64())) if len(found) else None


def _all_differ(numbers: pa.Array) -> bool:
    """Return whether no number comes twice, as in most files: in half of the time that it takes to find which.

    Each number has a slot of a table, in which one of several stays. The others are compared with that, and then
    among each other, with other slots.
    """
    mix = MIX
    while count := len(numbers):
        bits = count.bit_length() + 1  # two to four times as many slots as numbers
        mixed = pc.multiply(numbers, pa.scalar(mix, pa.uint64()))
        slots = pc.shift_right(mixed, pa.scalar(64 - bits, pa.uint64())).cast(pa.int32())
        table = pc.inverse_permutation(slots, max_index=2**bits - 1, output_type=pa.int32())
        others = pc.not_equal(numbers, numbers.take(table.take(slots)))
        if others.true_count < count - (len(table) - table.null_count):
            return False
        numbers = numbers.filter(others)
        mix = mix * MIX & ONES
    return True


def _shares(numbers: pa.Array) -> Iterator[pa.Array]:
    """Yield the numbers' positions in shares: equal numbers are in one share, in their order."""
    share = pc.shift_right(numbers, pa.scalar(64 - SHARE_BITS, pa.uint64())).cast(pa.uint8())
    order = pc.array_sort_indices(share)  # stable, and a counting sort for so few values
    begin = 0
    sizes = {one["values"]: one["counts"] for one in pc.value_counts(share).to_pylist()}
    for _, size in sorted(sizes.items()):
        yield order.slice(begin, size)
        begin += size


def _again(places: pa.Array, numbers: pa.Array, columns: pa.Table) -> pa.Array:
    """Return the positions whose rows occurred before, found by their numbers and confirmed by all their cells."""
    if len(pc.unique(numbers)) == len(numbers):
        return places.slice(0, 0)
    codes = numbers.dictionary_encode().indices  # a number gets the next code when it first occurs
    highest = pc.cumulative_max(codes)
    before = pa.concat_arrays([pa.array([-1], pa.int32()), highest.slice(0, len(highest) - 1)])
    again = pc.less_equal(codes, before)
    first = places.filter(pc.invert(again)).take(codes.filter(again))
    here = places.filter(again)
    same = pa.repeat(pa.scalar(True), len(here))
    for column in columns.columns:
        texts, earlier = (pc.fill_null(column.take(some), "") for some in (here, first))
        same = pc.and_(same, pc.equal(texts, earlier).combine_chunks())
    return here.filter(same)


def _numbers(batch: pa.RecordBatch) -> pa.Array:
    """Return a number for each row: equal rows have equal numbers, other rows hardly ever."""
    sums, salt = None, 1
    for column in batch.columns:
        one = pc.multiply(_of_cells(column), pa.scalar(salt, pa.uint64()))
        sums = one if sums is None else pc.bit_wise_xor(sums, one)
        salt = salt * MIX & ONES
    return sums


def _of_cells(column: pa.Array) -> pa.Array:
    """Return a number for each cell, from a digest's first sixteen characters read as two numbers; 0 for null."""
    texts = column.cast(pa.string())
    if not texts.null_count:
        return _of_texts(texts)
    width = pc.max(pc.binary_length(texts)).as_py() or 0
    numbers = _of_texts(pc.fill_null(texts, "0" * width))
    return pc.if_else(texts.is_valid(), numbers, pa.scalar(0, pa.uint64()))


def _of_texts(texts: pa.Array) -> pa.Array:
    width = len(texts[0].as_buffer()) if len(texts) else 0
    cells = even(texts, width) if width >= 2 * WORD_BYTES and width % WORD_BYTES == 0 else None
    if cells is None:  # not digests
        return pa.array([hash(text) & ONES for text in texts.to_pylist()], pa.uint64())
    words = cells.cast("Q")
    first, second = (_array(words[place :: width // WORD_BYTES]) for place in (0, 1))
    return pc.bit_wise_xor(first, pc.multiply(second, pa.scalar(MIX, pa.uint64())))


def _array(words: memoryview) -> pa.Array:
    return pa.Array.from_buffers(pa.uint64(), len(words), [None, pa.py_buffer(words.tobytes())])
