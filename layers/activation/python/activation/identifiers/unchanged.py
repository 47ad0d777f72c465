"""Which numbers of a column stay as they are, told without a look at each: by first digits and length."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.abroad import plan_of
from activation.identifiers.plans import ANY_LENGTH, LONGEST, NATIONAL_DIGITS, code_of, plans, told_from_national
from activation.identifiers.valid_numbers import KINDS

# What a number begins with that tells its country code and whether a prefix follows: three digits and one.
_TOLD_BY = 4


@cache
def _outlook(first: str) -> int:
    """Return the lengths, a bit each, that numbers with these first digits keep as they are; 0 where not sure."""
    code = code_of(first)
    if not code or first[len(code) : len(code) + 1] in plans()[code].prefixes:
        return 0
    return plans()[code].lengths


@cache
def _outlook_of_bare(first: str) -> int:
    """Return the same for digits that may be without a country code: short ones, and those no code begins."""
    code = code_of(first)
    if not code or (len(first) > len(code) and first[len(code)] not in plans()[code].prefixes):
        return ANY_LENGTH
    return (1 << (NATIONAL_DIGITS + (not told_from_national(first)))) - 1


@cache
def _valid_pattern(codes: frozenset[int]) -> str:
    """Return a pattern of valid numbers of the main countries of some codes, "" where there is none."""
    of_codes = []
    for code in sorted(codes):
        plan = plan_of(code)
        known = [getattr(plan, kind, None) for kind in KINDS]
        numbers = "|".join(one.national_number_pattern for one in known if one and one.national_number_pattern)
        if numbers:
            of_codes.append(f"{code}(?:{numbers})")
    return rf"\A(?:{'|'.join(of_codes)})\z" if of_codes else ""


def unchanged(digits: pa.Array, bare: pa.Array | None) -> pa.Array:
    """Mask the digits that stay as they are for sure; those in the mask `bare` may be without a country code."""
    first = pc.binary_slice(digits.cast(pa.binary()), 0, _TOLD_BY).cast(pa.string()).dictionary_encode()
    firsts = first.dictionary.to_pylist()
    lengths = pa.array([_outlook(one) for one in firsts], pa.int32()).take(first.indices)
    if bare is not None:
        of_bare = pa.array([_outlook_of_bare(one) for one in firsts], pa.int32()).take(first.indices)
        lengths = pc.if_else(bare, of_bare, lengths)
    length = pc.min_element_wise(pc.binary_length(digits), LONGEST)
    sure = pc.not_equal(pc.bit_wise_and(lengths, pc.shift_left(pa.scalar(1, pa.int32()), length)), 0)
    unsure = pc.fill_null(pc.invert(sure), fill_value=False)
    if not pc.any(unsure).as_py():
        return sure
    # Numbers that begin as if with a prefix, most of them by chance: 1 is how Chinese mobile numbers begin.
    codes = {int(code) for one in pc.unique(first.filter(unsure)).to_pylist() if (code := code_of(one))}
    pattern = _valid_pattern(frozenset(codes))
    if not pattern:
        return sure
    return pc.replace_with_mask(sure, unsure, pc.match_substring_regex(digits.filter(unsure), pattern))
