"""Hexadecimal digests in half of their size: cells of 64 lower-case digits as 32 bytes, all others as text.

A column is packed as a whole or not at all, and reads back as it was. Two of them are compared in either form.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.digest import hexadecimal, in_texts

PACKED = pa.binary(32)
TEXT = pa.string()
_DIGITS = 64
_UPPER = [bytes([letter]) for letter in b"ABCDEF"]


def packed(texts: pa.Array) -> pa.Array:
    """Return a string array packed, or as it is where a cell is no digest of 64 lower-case digits."""
    dense = texts.drop_null() if texts.null_count else texts
    raw = _raw(dense)
    if raw is None:
        return texts
    whole = pa.Array.from_buffers(PACKED, len(dense), [None, pa.py_buffer(raw)])
    if not texts.null_count:
        return whole
    return pc.replace_with_mask(pa.nulls(len(texts), PACKED), texts.is_valid(), whole)


def _raw(dense: pa.Array) -> bytes | None:
    """Return the bytes of digests without nulls, one after the other, None where one is no such digest."""
    if not len(dense):
        return b""
    lengths = pc.min_max(pc.binary_length(dense))
    if (lengths["min"].as_py(), lengths["max"].as_py()) != (_DIGITS, _DIGITS):
        return None
    _, offsets, values = dense.buffers()
    first = memoryview(offsets).cast("i")[dense.offset]
    digits = bytes(memoryview(values)[first : first + _DIGITS * len(dense)])
    if any(letter in digits for letter in _UPPER):
        return None
    try:
        return binascii.unhexlify(digits)
    except binascii.Error:
        return None


def unpacked(column: pa.Array) -> pa.Array:
    """Return a column as texts; it may have a dictionary."""
    if pa.types.is_dictionary(column.type):
        return _unpacked_values(column.dictionary.cast(PACKED)).take(column.indices)
    return _unpacked_values(column)


def _unpacked_values(column: pa.Array) -> pa.Array:
    if column.type != PACKED:
        return column
    dense = column.drop_null() if column.null_count else column
    width = PACKED.byte_width
    first = width * dense.offset
    raw = memoryview(dense.buffers()[1])[first : first + width * len(dense)] if len(dense) else b""
    return in_texts(hexadecimal(raw), _DIGITS, column)


def flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece."""
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column


def give_back() -> None:
    """Give memory that is free back to the system, where Arrow uses the system's allocator.

    Among the small arrays that a difference keeps between large ones, that one would not do so by itself: 1,000 MB
    instead of 235 for 10 million people. It takes time; Arrow's mimalloc does not need it, and stays at 250 MB.
    """
    pool = pa.default_memory_pool()
    if pool.backend_name == "system":
        pool.release_unused()


class Values:
    """The distinct values of a column, from arrays in either form."""

    def __init__(self, arrays: Iterable[pa.Array] = ()) -> None:
        self._arrays: list[pa.Array] = []
        self._as: dict[pa.DataType, pa.Array] = {}
        for one in arrays:
            self.add(one)

    def add(self, array: pa.Array) -> None:
        """Add the values of an array that are not null."""
        found = (array.drop_null() if array.null_count else array).unique()
        if len(found):
            self._arrays.append(found)
            self._as.clear()

    def of_type(self, kind: pa.DataType) -> pa.Array:
        """Return all values that a column of this type can have, in its form, without nulls."""
        if kind not in self._as:
            parts = [one if one.type == kind else _turned(one, kind) for one in self._arrays]
            self._as[kind] = pa.concat_arrays([pa.array([], kind), *parts]).unique()
        return self._as[kind]


def _turned(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind == TEXT:
        return unpacked(array)
    digests = array.filter(pc.match_substring_regex(array, "^[0-9a-f]{64}$"))
    return packed(digests) if len(digests) else pa.array([], kind)
