"""Which numbers of a column stay as they are, told without a look at each: by first digits and length."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.plans import ANY_LENGTH, LONGEST, NATIONAL_DIGITS, plans, told_from_national
from activation.identifiers.valid_numbers import valid_abroad

# What a number begins with that tells its country code and whether a prefix follows: three digits and one.
_TOLD_BY = 4


@cache
def _kept_lengths() -> pa.Array:
    """Return the lengths, a bit each, that numbers keep unchanged, by their first four digits; 0: not sure."""
    table = [0] * 10**_TOLD_BY
    for code, plan in plans().items():
        for digit in set("0123456789") - set(plan.prefixes):
            _fill(table, code + digit, plan.lengths)
    return pa.array(table, pa.int32())


@cache
def _kept_lengths_of_bare() -> pa.Array:
    """Return the same for digits that may be without a country code: short ones, and those no code begins."""
    table = [ANY_LENGTH] * 10**_TOLD_BY
    for code, plan in plans().items():
        for digit in plan.prefixes:
            _fill(table, code + digit, (1 << (NATIONAL_DIGITS + (not told_from_national(code + digit)))) - 1)
    return pa.array(table, pa.int32())


def _fill(table: list[int], first: str, lengths: int) -> None:
    """Set the lengths of all that begin with these digits."""
    width = 10 ** (_TOLD_BY - len(first))
    table[int(first) * width : (int(first) + 1) * width] = [lengths] * width


@cache
def _possible_lengths() -> pa.Array:
    """Return the lengths of numbers, a bit each, by their first four digits; 0 where a zero follows the code."""
    table = [0] * 10**_TOLD_BY
    for code, plan in plans().items():
        for digit in "123456789":
            _fill(table, code + digit, plan.lengths)
    return pa.array(table, pa.int32())


def unchanged(digits: pa.Array, bare: pa.Array | None) -> pa.Array:
    """Mask the digits that stay as they are for sure; those in the mask `bare` may be without a country code."""
    length = pc.binary_length(digits)
    readable = pc.and_(pc.greater_equal(length, _TOLD_BY), pc.less_equal(length, LONGEST))
    if not pc.all(readable, min_count=0).as_py():
        digits = pc.if_else(readable, digits, pa.scalar(None, pa.string()))
        length = pc.if_else(readable, length, pa.scalar(_TOLD_BY, pa.int32()))
    first = pc.divide(digits.cast(pa.int64()), _powers().take(length))
    lengths = _kept_lengths().take(first)
    if bare is not None:
        lengths = pc.if_else(bare, _kept_lengths_of_bare().take(first), lengths)
    sure = _has_length(length, lengths)
    unsure = pc.fill_null(pc.invert(sure), fill_value=False)
    if not pc.any(unsure).as_py():
        return sure
    # Numbers that begin as if with a prefix, most of them by chance: 1 is how Chinese mobile numbers begin. They
    # stay if they are valid, and if they are possible and nothing valid without any prefix.
    valid, may_be_valid = valid_abroad(digits.filter(unsure))
    possible = _has_length(length, _possible_lengths().take(first)).filter(unsure)
    return pc.replace_with_mask(sure, unsure, pc.or_(valid, pc.and_not(possible, may_be_valid)))


def _has_length(length: pa.Array, lengths: pa.Array) -> pa.Array:
    return pc.not_equal(pc.bit_wise_and(lengths, pc.shift_left(pa.scalar(1, pa.int32()), length)), 0)


@cache
def _powers() -> pa.Array:
    """Return by what digits of each length are divided to leave the first four."""
    return pa.array([10 ** max(0, length - _TOLD_BY) for length in range(LONGEST + 1)], pa.int64())
