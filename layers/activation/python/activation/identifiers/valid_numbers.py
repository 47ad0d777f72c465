"""Which digits of a column are valid numbers, by the plans of libphonenumber."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.abroad import plan_of, prefixes_of
from activation.identifiers.digit_patterns import DigitPattern, matches, parsed, widest
from activation.identifiers.plans import code_of, plans

# libphonenumber's kinds of numbers, one of which a valid number is.
KINDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip
_LONGEST_CODE = 3
_LONGEST_LENGTH = 62  # the last bit of a length
_FEW = 8


# The country codes that numbers had so far, in the order met: a column with no new one finds their tables joined.
_met: dict[int, None] = {}


@cache
def valid_of(code: int) -> DigitPattern:
    """Return the pattern of the valid numbers of all countries with a country code, without the code."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    found: dict[str, None] = {}
    for region in COUNTRY_CODE_TO_REGION_CODE[code]:
        metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        kinds = (getattr(metadata, kind, None) for kind in KINDS)
        found |= dict.fromkeys(
            kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern
        )
    return DigitPattern("|".join(found))


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


_SURELY_WRONG = range(7, 15)  # digits; for longer and shorter numbers there are other codes


def surely_wrong(digits: pa.Array) -> pa.Array:
    """Mask the digits behind a plus that no country has, whatever is taken off behind their country code.

    They are as long as no number of their country is. The digits are a string array; null is not among them.
    """
    first = pc.utf8_slice_codeunits(digits, 0, _LONGEST_CODE + 1).dictionary_encode()
    lengths = pa.array([_wrong_lengths(one) for one in first.dictionary.to_pylist()], pa.int64()).take(
        first.indices
    )
    return pc.fill_null(_has_length(digits, lengths), fill_value=False)


@cache
def _wrong_lengths(first: str) -> int:
    """Return the lengths (a bit each), code included, that a number with these first digits never has."""
    told = _told_by(first)
    code = str(told.code)
    following = first[len(code) :]
    # The country code may stand there twice.
    if not told.code or told.reach is None or not following or following[0] in ("0", code[0]):
        return 0
    known = plans()[code].lengths | told.lengths << len(code)
    return sum(
        1 << length
        for length in _SURELY_WRONG
        if not any(known >> (length - less) & 1 for less in range(min(told.reach, length) + 1))
    )


@cache
def _told_by(first: str) -> _Told:
    code = code_of(first)
    if not code:
        return _Told()
    # What may be taken off begins with one of the plan's digits.
    has_prefix = first[len(code) : len(code) + 1] in plans()[code].prefixes
    return _Told(int(code), valid_of(int(code)).lengths, _reach_abroad(int(code)) if has_prefix else 0)


def any_end(pattern: DigitPattern, digits: pa.Array, begun: pa.Array, reach: int) -> pa.Array:
    """Mask digits that match as they stand or, in the mask `begun`, may match without up to `reach` of them."""
    lengths = pa.scalar(pattern.lengths, pa.int64())
    found = _matches((pattern,), digits, _has_length(digits, lengths))
    for begin in range(1, reach + 1):
        rest = pc.and_(pc.and_not(begun, found), _has_length(digits, lengths, begin))
        if _few(rest):
            found = pc.or_(found, rest)
            continue
        ends = pc.utf8_slice_codeunits(digits.filter(rest), begin)
        found = pc.replace_with_mask(found, rest, matches((pattern,), ends))
    return found


def valid_abroad(digits: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Mask the digits that are a valid number with its country code, and those that may be without some digits.

    The digits are a string array without nulls. The second mask holds the first.
    """
    first = pc.utf8_slice_codeunits(digits, 0, _LONGEST_CODE + 1).dictionary_encode()
    texts = first.dictionary.to_pylist()
    told = [_told_by(one) for one in texts]
    _met.update(dict.fromkeys(one.code for one in told if one.code))
    if not _met:
        none = pa.repeat(pa.scalar(False), len(digits))
        return none, none
    places = {code: place for place, code in enumerate(_met)}
    patterns = tuple(valid_of(one) for one in _met)

    def by_cell(values: Sequence[int | None]) -> pa.Array:
        return pa.array(values, pa.int64()).take(first.indices)

    reach = [one.reach for one in told]
    place = by_cell([places.get(one.code, 0) for one in told]).cast(pa.int32())
    national = _without_code(digits, by_cell([max(1, len(str(one.code))) for one in told]))
    lengths = by_cell([one.lengths for one in told])
    valid = found = _matches(patterns, national, _has_length(national, lengths), place)
    certain, most = by_cell(reach).is_valid(), pc.fill_null(by_cell(reach), 0)
    for begin in range(1, pc.max(most).as_py() + 1):
        rest = pc.and_not(pc.greater_equal(most, begin), found)
        rest = pc.and_(rest, _has_length(national, lengths, begin))
        if _few(rest):
            found = pc.or_(found, rest)
            continue
        ends = pc.utf8_slice_codeunits(national.filter(rest), begin)
        found = pc.replace_with_mask(found, rest, matches(patterns, ends, place.filter(rest)))
    return valid, pc.or_(found, pc.invert(certain))


def _has_length(digits: pa.Array, lengths: pa.Array | pa.Scalar, without: int = 0) -> pa.Array:
    """Mask the digits that have one of the lengths (a bit each) without the first `without` of them."""
    length = pc.subtract(pc.binary_length(digits).cast(pa.int64()), without)
    bit = pc.shift_left(
        pa.scalar(1, pa.int64()), pc.min_element_wise(pc.max_element_wise(length, 0), _LONGEST_LENGTH)
    )
    return pc.and_(pc.greater_equal(length, 0), pc.not_equal(pc.bit_wise_and(bit, lengths), 0))


def _matches(
    patterns: tuple[DigitPattern, ...], digits: pa.Array, among: pa.Array, which: pa.Array | None = None
) -> pa.Array:
    """Return `matches` of the digits in the mask `among`, False for the others."""
    count = among.true_count
    if not count:
        return among
    if count == len(among):
        return matches(patterns, digits, which)
    return pc.replace_with_mask(
        among, among, matches(patterns, digits.filter(among), which.filter(among) if which is not None else None)
    )


def _few(cells: pa.Array) -> bool:
    """Return whether a mask has so few cells that a look at each costs less than another round of kernels."""
    return (pc.sum(cells).as_py() or 0) < _FEW


def _without_code(digits: pa.Array, widths: pa.Array) -> pa.Array:
    ends = [pc.utf8_slice_codeunits(digits, width) for width in range(1, _LONGEST_CODE + 1)]
    return pc.choose(pc.subtract(widths, pa.scalar(1, pa.int64())), *ends)
