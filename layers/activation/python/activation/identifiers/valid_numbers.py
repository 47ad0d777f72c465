"""Which digits of a column are valid numbers, by the plans of libphonenumber."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.abroad import plan_of, prefixes_of
from activation.identifiers.digit_patterns import (
    ANY,
    Both,
    Part,
    Times,
    lengths_of,
    maybe,
    one_of,
    parsed,
    then,
    widest,
)
from activation.identifiers.digit_tables import DigitColumns, DigitTable, holds
from activation.identifiers.plans import code_of, plans

# libphonenumber's kinds of numbers, one of which a valid number is.
KINDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip
# Country codes (Austria, Germany) with kinds of numbers beyond the plan's outline, which are not valid.
BEYOND_OUTLINE = (43, 49)
_LONGEST_CODE = 3
_LONGEST_LENGTH = 62  # the last bit of a length
# The sets of texts that a code's table tells.
_VALID, _MAYBE = range(2)

# The country codes that numbers had so far, in the order met: a column with no new one finds their tables joined.
_met: dict[int, None] = {}


@cache
def valid_of(code: int) -> Part:
    """Return the pattern of the valid numbers of all countries with a country code, without the code."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    plans_of_code = [PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in regions]

    def any_of(kinds: tuple[str, ...]) -> Part:
        found = [getattr(plan, kind, None) for plan in plans_of_code for kind in kinds]
        patterns = (one.national_number_pattern for one in found if one)
        return parsed("|".join(dict.fromkeys(one for one in patterns if one)))

    return Both(any_of(KINDS), any_of(("general_desc",))) if code in BEYOND_OUTLINE else any_of(KINDS)


@cache
def _lengths(code: int) -> int:
    """Return how long the valid numbers of a country code are without it, a bit for each length."""
    return lengths_of(valid_of(code))


@cache
def _table(code: int) -> DigitTable:
    """Return the table of numbers with their country code: those that are valid, and those that may be.

    A number that may be valid has, behind its country code, a prefix that libphonenumber removes, or another one.
    """
    plan, own, first = plan_of(code), valid_of(code), parsed(str(code))
    if plan.national_prefix_transform_rule:
        # What other digits are put there for is not followed: the number may have any length that is left then.
        most = max(_lengths(code).bit_length() - 1 + _taken_off(code), 1)
        may_be = one_of(own, *(then(parsed(one), Times(ANY, 0, most)) for one in plans()[str(code)].prefixes))
    else:
        removed = maybe(parsed(plan.national_prefix_for_parsing or ""))
        may_be = then(maybe(*map(parsed, prefixes_of(code))), removed, own)
    return DigitTable((then(first, own), then(first, may_be)))


def _taken_off(code: int) -> int:
    """Return how many digits are taken off at most where a plan puts others in the place of a prefix."""
    plan = plan_of(code)
    rule, pattern = plan.national_prefix_transform_rule or "", plan.national_prefix_for_parsing or ""
    kept = int(rule[rule.index("\\") + 1])
    begins = [at.start() for at in re.finditer(r"\((?!\?)", pattern)][kept - 1]
    depth = end = 0
    for end in range(begins, len(pattern)):
        depth += (pattern[end] == "(") - (pattern[end] == ")")
        if not depth:
            break
    without = f"{pattern[:begins]}{pattern[end + 1 :]}".replace("$", "")
    return widest(parsed(without)) + max(map(len, prefixes_of(code)), default=0)


_NO_COUNTRY = DigitTable((one_of(), one_of()))


@cache
def _reach_abroad(code: int) -> int | None:
    """Return the most digits removed after a country code, None where the plan may replace digits."""
    plan = plan_of(code)
    if plan.national_prefix_transform_rule not in (None, "", r"\1", r"\2"):
        return None
    removed = widest(parsed((plan.national_prefix_for_parsing or "").replace("$", "")))
    return max(map(len, prefixes_of(code)), default=0) + 2 * removed


@dataclass(frozen=True)
class _Told:
    """What the first digits of a number tell: its country code (0 for none) and how its valid numbers look.

    `lengths` are those without the code, a bit each, and `reach` is how many digits may be taken off behind the
    code, None where others may be put there.
    """

    code: int = 0
    lengths: int = 0
    reach: int | None = 0


# How many digits numbers have that may be told to be wrong. For shorter ones there are other codes, and 15 may be
# 16 with a zero in brackets, which are too long whatever they are.
_MAY_BE_WRONG: int = sum(1 << length for length in (*range(7, 15), *range(16, 32)))


def surely_wrong(digits: pa.Array) -> pa.Array:
    """Mask the digits behind a plus that no country has, whatever is taken off behind their country code.

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
    # What may be taken off begins with one of the plan's digits.
    has_prefix = first[len(code) : len(code) + 1] in plans()[code].prefixes
    return _Told(int(code), _lengths(int(code)), _reach_abroad(int(code)) if has_prefix else 0)


def valid_abroad(digits: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Mask the digits that are a valid number with its country code, and those that may be without some digits.

    The digits are a string array without nulls. The second mask holds the first.
    """
    first = pc.utf8_slice_codeunits(digits, 0, _LONGEST_CODE).dictionary_encode()
    codes = [int(code_of(one) or 0) for one in first.dictionary.to_pylist()]
    _met.update(dict.fromkeys(codes))
    places = {code: place for place, code in enumerate(_met)}
    tables = [_table(code) if code else _NO_COUNTRY for code in _met]
    which = pa.array([places[code] for code in codes], pa.int32()).take(first.indices)
    found = DigitColumns.of(digits).found(tables, which)
    return holds(found, _VALID), holds(found, _MAYBE)


def has_length(digits: pa.Array, lengths: pa.Array | pa.Scalar) -> pa.Array:
    """Mask the digits that have one of the lengths (a bit each)."""
    length = pc.binary_length(digits).cast(pa.int64())
    bit = pc.shift_left(pa.scalar(1, pa.int64()), pc.min_element_wise(length, _LONGEST_LENGTH))
    return pc.not_equal(pc.bit_wise_and(bit, lengths), 0)
