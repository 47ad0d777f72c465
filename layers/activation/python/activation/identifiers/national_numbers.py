"""A column of telephone numbers without a plus, each read by its country's plan: `national`, where it is sure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.abroad import former_prefixes
from activation.identifiers.countries_of_cells import Countries
from activation.identifiers.digit_patterns import ANYTHING, MANY, Part, Times, maybe, one_of, parsed, then
from activation.identifiers.digit_tables import DigitColumns, DigitTable, holds
from activation.identifiers.number_patterns import valid_of
from activation.identifiers.valid_numbers import has_length, valid_abroad

_ZEROS = Times(1, 0, MANY)
# The sets of texts that a plan's tables tell. What may be a number has any of the prefixes before it.
_PLAIN, _BEHIND_TRUNK, _MAYBE = range(3)
_UNSURE, _CODED, _ABROAD, _HOME = range(4)


@dataclass(frozen=True)
class _Plan:
    """A country's numbering plan.

    `country_code` and `trunk` are the plan's prefixes, and `idd` the international prefix if it is always the same
    and does not start with 00, else "". `own` matches valid numbers and `outline` numbers that fit the plan's
    general pattern: each alone, after the trunk prefix, and after any other prefix that may precede it. `begun`
    matches the first digits, one set each: a prefix other than the trunk prefix, such as an international prefix
    or a carrier code; the country code; `idd`; and what is a national number even if it starts with `idd`, such as
    `idd` and the country's own code. `lengths` has a bit for each length of a number including the trunk prefix.
    """

    country_code: str
    trunk: str
    idd: str
    own: DigitTable
    outline: DigitTable
    begun: DigitTable
    lengths: int


@cache
def _plan(country: str) -> _Plan | None:
    """Return the plan of a country, None where it has none."""
    from phonenumbers import PhoneMetadata

    metadata = PhoneMetadata.metadata_for_region(country, None)
    if metadata is None or not metadata.general_desc or not metadata.general_desc.national_number_pattern:
        return None
    code, trunk = str(metadata.country_code), metadata.national_prefix or ""
    dialled = [one for one in (trunk, *former_prefixes(int(code))) if one]
    prefixes = set(_prefixes(metadata.national_prefix_for_parsing or ""))
    trunk = trunk if trunk in prefixes else ""
    others = sorted(prefixes - {trunk, ""})
    abroad = metadata.international_prefix or "00"
    idd = abroad if abroad.isdecimal() and not abroad.startswith("00") else ""
    # A number may have two trunk prefixes: libphonenumber strips one after the country code, then looks again.
    before = (_ZEROS, maybe(*map(parsed, dialled)), maybe(parsed(code)), maybe(parsed(trunk)))

    def begun(*patterns: Part) -> Part:
        return then(*before, one_of(*patterns))

    # A few alternatives are whole numbers. libphonenumber recognises no international prefix before a zero.
    at_home = [
        parsed(one.removesuffix("$")) if one.endswith("$") else then(parsed(one), ANYTHING) for one in others
    ]
    dialled_abroad = then(one_of(*map(parsed, alternatives(abroad))), maybe(then(parsed("[1-9]"), ANYTHING)))
    outline = parsed(metadata.general_desc.national_number_pattern)
    home_again = then(parsed(f"{idd}{code}"), maybe(parsed(trunk)), maybe(parsed(trunk)), outline)

    def numbers(pattern: Part) -> DigitTable:
        return DigitTable((pattern, then(parsed(trunk), pattern), then(*before, maybe(parsed(trunk)), pattern)))

    return _Plan(
        country_code=code,
        trunk=trunk,
        idd=idd,
        own=numbers(valid_of(int(code))),
        outline=numbers(outline),
        begun=DigitTable(
            (
                begun(*at_home, dialled_abroad),
                then(parsed(code), ANYTHING),
                then(parsed(idd), ANYTHING) if idd else one_of(),
                one_of(begun(*at_home), home_again),
            )
        ),
        lengths=sum(1 << len(trunk) + length for length in metadata.general_desc.possible_length),
    )


# A trunk prefix, or another one, and the code of a carrier, which may follow it: Brazil's, Korea's, Colombia's.
_WITH_CARRIER = re.compile(r"(?:(\d)|\(\?:(\d)\|(\d+)\))(\(.+\))\?")


def _prefixes(pattern: str) -> list[str]:
    """Return what may stand before a number at home, as regular expressions; the trunk prefix is one of them."""
    if found := _WITH_CARRIER.fullmatch(pattern):
        trunk = found[1] or found[2]
        return [trunk, f"{trunk}{found[4]}", *([found[3]] if found[3] else [])]
    return alternatives(pattern)


def alternatives(pattern: str) -> list[str]:
    """Return the alternatives of a regular expression: it is split at its outermost bars."""
    depth, parts = 0, [""]
    for character in pattern:
        depth += (character in "([") - (character in ")]")
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def national_columns(digits: pa.Array, countries: Countries) -> tuple[pa.Array, pa.Array]:
    """Return `national` for a column of digits that do not begin with 00, and a mask of those that are none.

    The numbers are null where it is not sure, where there are none, and for null.
    """
    plans = [_plan(one) for one in countries.names]
    some = [one for one in plans if one is not None]
    number, refused = pa.nulls(len(digits), pa.string()), pa.repeat(pa.scalar(False), len(digits))
    known = pc.and_(digits.is_valid(), countries.each([one is not None for one in plans], pa.bool_()))
    if not known.true_count:
        return number, refused
    found, none = _of_plans(digits.filter(known), countries.among(known), [one or some[0] for one in plans])
    return pc.replace_with_mask(number, known, found), pc.replace_with_mask(refused, known, none)


def _of_plans(digits: pa.Array, countries: Countries, plans: list[_Plan]) -> tuple[pa.Array, pa.Array]:
    """Return the same for digits of countries that have plans, without nulls."""
    columns = DigitColumns.of(digits)
    own, outline, begun = (
        columns.found([getattr(one, name) for one in plans], countries.places)
        for name in ("own", "outline", "begun")
    )
    behind_trunk = holds(outline, _BEHIND_TRUNK)
    fits = pc.or_(behind_trunk, holds(outline, _PLAIN))
    unsure, coded = holds(begun, _UNSURE), holds(begun, _CODED)
    trunk_is_code = countries.each([one.trunk == one.country_code for one in plans], pa.bool_())
    lengths = countries.each([one.lengths for one in plans], pa.int64())
    sure = pc.invert(pc.or_(unsure, pc.and_not(behind_trunk, has_length(digits, lengths))))
    # With the outline of a number as they stand, digits keep what looks like the country code.
    kept = pc.and_not(pc.and_(sure, holds(outline, _PLAIN)), behind_trunk)
    sure = pc.and_not(sure, pc.and_not(coded, pc.and_(behind_trunk, trunk_is_code)))
    valid = pc.and_(sure, pc.if_else(behind_trunk, holds(own, _BEHIND_TRUNK), holds(own, _PLAIN)))
    shorter = _without_first(digits, [len(one.trunk) for one in plans], countries)
    code = countries.each([one.country_code for one in plans], pa.string())
    number = pc.binary_join_element_wise(code, pc.if_else(behind_trunk, shorter, digits), "")
    refused = pa.repeat(pa.scalar(False), len(digits))
    rest = pc.invert(valid)
    if not rest.true_count:
        return number, refused
    sent = pc.if_else(valid, number, pa.scalar(None, pa.string()))
    outlined = pc.or_(pc.and_(sure, fits), kept)
    digits, number, sure, fits, unsure = (one.filter(rest) for one in (digits, number, sure, fits, unsure))
    ends, no_end = holds(own, _MAYBE).filter(rest), pc.invert(holds(outline, _MAYBE)).filter(rest)
    may_be_home = pc.or_(unsure, ends)
    abroad, may_be_abroad = valid_abroad(digits)
    dialled = pc.and_not(holds(begun, _ABROAD), holds(begun, _HOME)).filter(rest)
    nobody = _nobody_abroad(digits, dialled, [len(one.idd) for one in plans], countries.among(rest))
    told = pc.invert(pc.or_(pc.or_(ends, pc.and_not(unsure, nobody)), may_be_abroad))
    none = pc.and_(told, pc.or_(pc.and_not(sure, fits), no_end))
    nothing = pa.scalar(None, pa.string())
    as_abroad = pc.if_else(pc.and_not(abroad, may_be_home), digits, nothing)
    number = pc.if_else(pc.and_(told, outlined.filter(rest)), number, as_abroad)
    return pc.replace_with_mask(sent, rest, number), pc.replace_with_mask(refused, rest, none)


def _without_first(digits: pa.Array, counts: list[int], countries: Countries) -> pa.Array:
    """Return digits without as many of their first ones as it says for their country."""
    without = digits
    for count in sorted({*counts} - {0}):
        shorter = pc.utf8_slice_codeunits(digits, count)
        own = countries.each([one == count for one in counts], pa.bool_())
        without = shorter if {*counts} == {count} else pc.if_else(own, shorter, without)
    return without


def _nobody_abroad(digits: pa.Array, dialled: pa.Array, idds: list[int], countries: Countries) -> pa.Array:
    """Mask the digits in the mask `dialled` that are surely a number of no country without their first ones."""
    if not dialled.true_count:
        return dialled
    number = _without_first(digits.filter(dialled), idds, countries.among(dialled))
    _, may_be_valid = valid_abroad(number)
    return pc.replace_with_mask(dialled, dialled, pc.invert(may_be_valid))
