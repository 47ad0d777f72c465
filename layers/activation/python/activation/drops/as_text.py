"""Typed columns as text, each value exactly as it would be written by hand."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

# Whole numbers up to here are exact in a double, and so is the text made of them.
_EXACT_IN_DOUBLE = float(2**53)


def is_nested(type_: pa.DataType) -> bool:
    """Return whether a column holds lists, maps or structures."""
    return bool(types.is_nested(type_))


def is_flat(type_: pa.DataType) -> bool:
    """Return whether a column can be read as text."""
    if types.is_dictionary(type_):
        return is_flat(type_.value_type)
    return any(
        is_one(type_)
        for is_one in (
            _is_bytes, types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_date,
            types.is_timestamp, types.is_null,
        )
    )  # fmt: skip


def _is_bytes(type_: pa.DataType) -> bool:
    kinds = (
        types.is_string, types.is_large_string, types.is_string_view,
        types.is_binary, types.is_large_binary, types.is_binary_view,
    )  # fmt: skip
    return any(is_one(type_) for is_one in kinds)


def column_as_text(column: pa.Array) -> tuple[pa.Array, list[int]]:
    """Return a column as strings, null where it is null, and the indexes of the cells that are not UTF-8.

    Those cells become null. Whole numbers are written digit by digit, also when they are stored as floating
    point (a phone column with gaps, as pandas writes it); a true fraction is written in the shortest form that
    reads back the same. Dates are ISO 8601, and times too, those with a zone in UTC.
    """
    type_ = column.type
    if types.is_dictionary(type_):
        column = column.cast(type_.value_type)
        type_ = column.type
    if _is_bytes(type_):
        return _checked(column.cast(pa.binary()))
    if types.is_floating(type_):
        return _of_floats(column.cast(pa.float64())), []
    if types.is_timestamp(type_):
        text = pc.replace_substring(column.cast(pa.timestamp(type_.unit)).cast(pa.string()), " ", "T")
        text = pc.replace_substring_regex(text, r"\.0+$", "")
        return (pc.binary_join_element_wise(text, "Z", "") if type_.tz else text), []
    return column.cast(pa.string()), []


def _of_floats(column: pa.Array) -> pa.Array:
    whole = pc.and_(pc.equal(column, pc.trunc(column)), pc.less_equal(pc.abs(column), _EXACT_IN_DOUBLE))
    whole = pc.fill_null(whole, fill_value=False)
    digits = pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.string())
    return pc.if_else(whole, digits, column.cast(pa.string()))


def _checked(column: pa.Array) -> tuple[pa.Array, list[int]]:
    """Turn bytes into text; the cells that are none are found by halving."""
    bad = _not_utf8(column, 0)
    if bad:
        mask = pc.is_in(pa.arange(0, len(column)), pa.array(bad, pa.int64()))
        column = pc.if_else(mask, pa.scalar(None, pa.binary()), column)
    return column.cast(pa.string()), bad


def _not_utf8(column: pa.Array, base: int) -> list[int]:
    try:
        column.cast(pa.string())
    except pa.ArrowInvalid:
        if len(column) == 1:
            return [base]
        half = len(column) // 2
        return _not_utf8(column[:half], base) + _not_utf8(column[half:], base + half)
    return []
