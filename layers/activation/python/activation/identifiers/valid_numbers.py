"""Which digits of a column are valid numbers, by the plans of libphonenumber."""

from __future__ import annotations

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
_FEW = 20


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
    """Return how many digits may be taken off behind a country code, None where others may be put there."""
    plan = plan_of(code)
    if plan.national_prefix_transform_rule not in (None, "", r"\1", r"\2"):
        return None
    removed = widest(parsed((plan.national_prefix_for_parsing or "").replace("$", "")))
    return max(map(len, prefixes_of(code)), default=0) + 2 * removed


def any_end(pattern: DigitPattern, digits: pa.Array, begun: pa.Array, reach: int) -> pa.Array:
    """Mask digits that match as they stand or, in the mask `begun`, may match without up to `reach` of them."""
    found = matches((pattern,), digits)
    for begin in range(1, reach + 1):
        rest = pc.and_not(begun, found)
        if _few(rest):
            return pc.or_(found, rest)
        ends = pc.utf8_slice_codeunits(digits.filter(rest), begin)
        found = pc.replace_with_mask(found, rest, matches((pattern,), ends))
    return found


def valid_abroad(digits: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Mask the digits that are a valid number with its country code, and those that may be without some digits.

    The digits are a string array without nulls. The second mask holds the first.
    """
    first = pc.utf8_slice_codeunits(digits, 0, _LONGEST_CODE + 1).dictionary_encode()
    texts = first.dictionary.to_pylist()
    code_texts = [code_of(one) for one in texts]
    _met.update(dict.fromkeys(int(one) for one in code_texts if one))
    if not _met:
        none = pa.repeat(pa.scalar(False), len(digits))
        return none, none
    places = {code: place for place, code in enumerate(_met)}
    patterns = tuple(valid_of(one) for one in _met)
    # What may be taken off begins with one of the plan's digits.
    reach = [
        _reach_abroad(int(code)) if code and text[len(code) : len(code) + 1] in plans()[code].prefixes else 0
        for text, code in zip(texts, code_texts, strict=True)
    ]

    def by_cell(values: list[int | None]) -> pa.Array:
        return pa.array(values, pa.int32()).take(first.indices)

    has_code = pc.greater(by_cell([len(one) for one in code_texts]), 0)
    place = by_cell([places[int(one)] if one else 0 for one in code_texts])
    national = _without_code(digits, by_cell([max(1, len(one)) for one in code_texts]))
    valid = found = pc.and_(has_code, matches(patterns, national, place))
    certain, most = by_cell(reach).is_valid(), pc.fill_null(by_cell(reach), 0)
    for begin in range(1, pc.max(most).as_py() + 1):
        rest = pc.and_not(pc.greater_equal(most, begin), found)
        if _few(rest):
            found = pc.or_(found, rest)
            break
        ends = pc.utf8_slice_codeunits(national.filter(rest), begin)
        found = pc.replace_with_mask(found, rest, matches(patterns, ends, place.filter(rest)))
    return valid, pc.or_(found, pc.invert(certain))


def _few(cells: pa.Array) -> bool:
    """Return whether a mask has so few cells that a look at each costs less than another round of kernels."""
    return (pc.sum(cells).as_py() or 0) < _FEW


def _without_code(digits: pa.Array, widths: pa.Array) -> pa.Array:
    ends = [pc.utf8_slice_codeunits(digits, width) for width in range(1, _LONGEST_CODE + 1)]
    return pc.choose(pc.subtract(widths, pa.scalar(1, pa.int32())), *ends)
