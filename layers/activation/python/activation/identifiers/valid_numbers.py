"""Which digits of a column are valid numbers, by the plans of libphonenumber."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.code_tables import NO_CODE, code_tables
from activation.identifiers.digit_tables import DigitColumns, holds
from activation.identifiers.plans import code_of, plans

_LONGEST_CODE = 3
_LONGEST_LENGTH = 62  # the last bit of a length
# The sets of texts that a code's table tells.
_VALID, _MAYBE = range(2)


@dataclass(frozen=True)
class _Told:
    """What the first digits of a number tell: its country code (0 for none) and how its valid numbers look.

    `lengths` are those without the code, a bit each, and `reach` is how many digits may be stripped after the
    code, None where others may be put there.
    """

    code: int = 0
    lengths: int = 0
    reach: int | None = 0


# How many digits numbers have that may be told to be wrong. For shorter ones there are other codes, and 15 may be
# 16 with a zero in brackets, which are too long whatever they are.
_MAY_BE_WRONG: int = sum(1 << length for length in (*range(7, 15), *range(16, 32)))


def surely_wrong(digits: pa.Array) -> pa.Array:
    """Mask the digits after a plus that are valid in no country, whatever is stripped after their country code.

    They are as long as no number of their country is. The digits are a string array; null is not among them.
    """
    first = pc.utf8_slice_codeunits(digits, 0, _LONGEST_CODE + 1).dictionary_encode()
    lengths = pa.array([_wrong_lengths(one) for one in first.dictionary.to_pylist()], pa.int64()).take(
        first.indices
    )
    return pc.fill_null(has_length(digits, lengths), fill_value=False)


@cache
def _wrong_lengths(first: str) -> int:
    """Return the lengths (a bit each), code included, that a number with these first digits never has."""
    told = _told_by(first)
    code = str(told.code)
    following = first[len(code) :]
    # The country code may stand there twice.
    if not told.code or told.reach is None or not following or following[0] in ("0", code[0]):
        return 0
    reached: int = plans()[code].lengths | told.lengths << len(code)
    for _ in range(told.reach):
        reached |= reached << 1
    return _MAY_BE_WRONG & ~reached


@cache
def _told_by(first: str) -> _Told:
    code = code_of(first)
    if not code:
        return _Told()
    known = code_tables()
    place = known.places[int(code)]
    # What may be taken off begins with one of the plan's digits.
    has_prefix = first[len(code) : len(code) + 1] in plans()[code].prefixes
    return _Told(int(code), known.lengths[place], known.reaches[place] if has_prefix else 0)


def valid_abroad(digits: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Mask the digits that are a valid number with its country code, and those that may be without some digits.

    The digits are a string array without nulls. The second mask holds the first.
    """
    first = pc.utf8_slice_codeunits(digits, 0, _LONGEST_CODE).dictionary_encode()
    starts = pa.array(map(_start, first.dictionary.to_pylist()), pa.int32()).take(first.indices)
    found = DigitColumns.of(digits).read(code_tables().rows, starts)
    return holds(found, _VALID), holds(found, _MAYBE)


@cache
def _start(first: str) -> int:
    """Return where the table of a number's country code begins, by the number's first digits."""
    known = code_tables()
    return known.starts[known.places[int(code_of(first) or NO_CODE)]]


def has_length(digits: pa.Array, lengths: pa.Array | pa.Scalar) -> pa.Array:
    """Mask the digits that have one of the lengths (a bit each)."""
    length = pc.binary_length(digits).cast(pa.int64())
    bit = pc.shift_left(pa.scalar(1, pa.int64()), pc.min_element_wise(length, _LONGEST_LENGTH))
    return pc.not_equal(pc.bit_wise_and(bit, lengths), 0)
