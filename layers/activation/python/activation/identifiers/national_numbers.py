"""A column of telephone numbers without a plus, read by one country's plan: `national`, where it is sure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.abroad import former_prefixes
from activation.identifiers.digit_patterns import DigitPattern, matches
from activation.identifiers.valid_numbers import any_end, valid_abroad, valid_of


@dataclass(frozen=True)
class _Plan:
    """What a country's numbers look like; libphonenumber's patterns are RE2's as well as Python's.

    `unsure` matches digits that may begin with something else than the trunk prefix: the way to dial abroad, a
    carrier's code. `idd` are the digits dialled before a number abroad, where those are always the same and do not
    begin with 00, and `unsure_at_home` matches what is unsure for another reason. `begun` matches those before
    whose number anything may stand, at most `reach` digits where they are not unsure. `outline` is what numbers
    look like that the plan may have one day, `lengths` how long those are.
    """

    country_code: str
    trunk: str
    unsure: str
    idd: str
    unsure_at_home: str
    begun: str
    reach: int
    outline: DigitPattern
    lengths: pa.Array


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
    before = "".join(f"(?:{one})?" for one in ("|".join(dialled), code, trunk) if one)
    return _Plan(
        country_code=code,
        trunk=trunk,
        unsure=rf"\A0*{before}(?:{'|'.join([*others, abroad])})",
        idd=abroad if abroad.isdecimal() and not abroad.startswith("00") else "",
        unsure_at_home=rf"\A0*{before}(?:{'|'.join(others)})" if others else "",
        begun=rf"\A(?:{'|'.join([*dialled, code, '0'])})",
        reach=max(1, *map(len, dialled), 1) + len(code) + 2 * len(trunk),
        outline=DigitPattern(metadata.general_desc.national_number_pattern),
        lengths=pa.array(metadata.general_desc.possible_length, pa.int32()),
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


def national_columns(digits: pa.Array, country: str) -> tuple[pa.Array, pa.Array]:
    """Return `national` for a column of digits that do not begin with 00, and a mask of those that are none.

    The numbers are null where it is not sure, where there are none, and for null.
    """
    known, plan = digits.is_valid(), _plan(country)
    number, refused = pa.nulls(len(digits), pa.string()), pa.repeat(pa.scalar(False), len(digits))
    if plan is None or not pc.any(known).as_py():
        return number, refused
    found, none = _of_plan(digits.filter(known), plan)
    return pc.replace_with_mask(number, known, found), pc.replace_with_mask(refused, known, none)


def _of_plan(digits: pa.Array, plan: _Plan) -> tuple[pa.Array, pa.Array]:
    nothing = pa.scalar(None, pa.string())
    read = _read(digits, plan)
    own = valid_of(int(plan.country_code))
    with_code = pc.binary_join_element_wise(plan.country_code, read.number, "")
    valid = pc.and_(read.sure, matches((own,), read.number))
    sent, refused = pc.if_else(valid, with_code, nothing), pa.repeat(pa.scalar(False), len(digits))
    rest = pc.invert(valid)
    if not pc.any(rest).as_py():
        return sent, refused
    digits, number, sure, fits = (one.filter(rest) for one in (digits, with_code, read.sure, read.fits))
    # Whatever is taken off before a number, what is left is the end of the digits.
    begun = pc.match_substring_regex(digits, plan.begun)
    unsure = pc.match_substring_regex(digits, plan.unsure)
    ends = any_end(own, digits, begun, plan.reach)
    may_be_home = pc.or_(unsure, ends)
    abroad, may_be_abroad = valid_abroad(digits)
    told = pc.invert(pc.or_(pc.or_(ends, pc.and_not(unsure, _nobody_abroad(digits, plan))), may_be_abroad))
    outlined = pc.and_(told, pc.and_(sure, fits))
    none = pc.or_(pc.and_not(sure, fits), pc.invert(any_end(plan.outline, digits, begun, plan.reach)))
    number = pc.if_else(outlined, number, pc.if_else(pc.and_not(abroad, may_be_home), digits, nothing))
    return pc.replace_with_mask(sent, rest, number), pc.replace_with_mask(refused, rest, pc.and_(told, none))


def _nobody_abroad(digits: pa.Array, plan: _Plan) -> pa.Array:
    """Mask the digits that are dialled as if abroad, to a number that no other country has."""
    nobody = pc.starts_with(digits, plan.idd) if plan.idd else pa.repeat(pa.scalar(False), len(digits))
    if not nobody.true_count:
        return nobody
    if plan.unsure_at_home:
        nobody = pc.and_not(nobody, pc.match_substring_regex(digits, plan.unsure_at_home))
    number = pc.utf8_slice_codeunits(digits.filter(nobody), len(plan.idd))
    # Before a zero they are no way to dial abroad.
    others = pc.or_(pc.starts_with(number, "0"), pc.starts_with(number, plan.country_code))
    _, may_be_valid = valid_abroad(number)
    return pc.replace_with_mask(nobody, nobody, pc.invert(pc.or_(others, may_be_valid)))


@dataclass(frozen=True)
class _Read:
    """Digits as libphonenumber reads them at home: numbers without trunk prefix.

    `sure` masks those that cannot be read in another way, and `fits` those that have the outline of a number.
    """

    number: pa.Array
    sure: pa.Array
    fits: pa.Array


def _read(digits: pa.Array, plan: _Plan) -> _Read:
    """Read digits: the trunk prefix comes off where what is left has the outline of a number."""
    unsure = pc.match_substring_regex(digits, plan.unsure)
    number, fits = digits, matches((plan.outline,), digits)
    if plan.trunk:
        shorter = pc.utf8_slice_codeunits(digits, len(plan.trunk))
        shorter_fits = pc.and_(pc.starts_with(digits, plan.trunk), matches((plan.outline,), shorter))
        possible = pc.is_in(pc.binary_length(shorter), value_set=plan.lengths)
        unsure = pc.or_(unsure, pc.and_not(shorter_fits, possible))
        number = pc.if_else(shorter_fits, shorter, digits)
        fits = pc.or_(fits, shorter_fits)
    coded = pc.starts_with(digits, plan.country_code)
    unsure = pc.or_(unsure, pc.and_not(coded, shorter_fits) if plan.trunk == plan.country_code else coded)
    return _Read(number, pc.invert(unsure), fits)
