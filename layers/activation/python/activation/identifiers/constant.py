"""Columns with the same text in every row, found at memory speed, so that it is worked on once."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def is_constant(values: pa.Array | pa.ChunkedArray) -> bool:
    """Return whether all cells of a string column are one text; False with a null cell, and without any cell."""
    return bool(len(values)) and not values.null_count and bool(values[1:].equals(values[:-1]))


def distinct(values: pa.Array) -> pa.Array:
    """Return each value of a string column once."""
    return values[:1] if is_constant(values) else pc.unique(values)


def encoded(values: pa.Array) -> pa.DictionaryArray:
    """Return a string column as a dictionary of its values."""
    if not is_constant(values):
        return values.dictionary_encode()
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), len(values)), values[:1])
