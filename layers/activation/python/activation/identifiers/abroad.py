"""Telephone numbers with a country code, checked against the numbering plan of that country.

After the country code, people often type the number as it is dialled within the country, prefix included:
+44 (0)20, +7 8 912, +1 1 415, +52 1 55. libphonenumber's data say which prefix that is, and whether the number is
valid without it. A valid number is never changed. One that is not known to be valid is kept if it has the right
length, since numbering plans change faster than the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from activation.identifiers.plans import NATIONAL_DIGITS, code_of, told_from_national

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

# National prefixes that libphonenumber no longer knows, but exports still have: Mexico's until 2019, and the 8 of
# countries of the former Soviet Union.
_FORMER_PREFIXES = {52: ("044", "045", "01")} | dict.fromkeys(
    (370, 373, 374, 380, 992, 994, 995, 996, 998), ("8",)
)
# Other digits that people type after a country code: the 1 that mobile numbers of Mexico had there until 2019
# (https://www.itu.int/oth/T0202000089/en, read 2026-11-29), and the 9 that those of Argentina still have, where it
# replaces the 15 that is dialled within the country.
_AFTER_CODE = {52: ("1",), 54: ("9",)}


def split(digits: str) -> tuple[int, str] | None:
    """Return the country code that digits begin with and the rest, None where there is no such country code."""
    code = code_of(digits)
    return (int(code), digits[len(code) :]) if code else None


@cache
def plan_of(code: int) -> Any:
    """Return libphonenumber's data of the main country of a code."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    region = COUNTRY_CODE_TO_REGION_CODE[code][0]
    return PhoneMetadata.metadata_for_region_or_calling_code(code, region)


def _as_typed(code: int, national: str) -> PhoneNumber:
    """Return the number with its leading zeros as digits of its own."""
    from phonenumbers import PhoneNumber

    zeros = min(len(national) - len(national.lstrip("0")), len(national) - 1)
    return PhoneNumber(
        country_code=code,
        national_number=int(national or 0),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def is_valid(digits: str) -> bool:
    """Return whether digits are a country code and, as they stand, a number that its plan has."""
    from phonenumbers import is_valid_number

    found = split(digits)
    return bool(found and found[1] and is_valid_number(_as_typed(*found)))


def _is_possible(digits: str) -> bool:
    """Return whether a number is as long as its country's numbers are, area code included."""
    import phonenumbers

    found = split(digits)
    if not found or not found[1]:
        return False
    reason = phonenumbers.is_possible_number_with_reason(_as_typed(*found))
    return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE)


def _parsed(digits: str) -> Iterator[str]:
    """Yield the digits as libphonenumber reads them, which knows of most prefixes."""
    import phonenumbers

    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return
    yield f"{number.country_code}{phonenumbers.national_significant_number(number)}"


def _without_prefix(digits: str) -> Iterator[str]:
    """Yield what digits with a country code may be without a national prefix."""
    yield from _parsed(digits)
    if found := split(digits):
        code, national = found
        for prefix in prefixes_of(code):
            if national.startswith(prefix):
                yield (shorter := f"{code}{national[len(prefix) :]}")
                yield from _parsed(shorter)


def repaired(digits: str) -> str | None:
    """Return the valid number that digits with a country code are without a national prefix.

    None where they are valid as they stand, or not valid without one either.
    """
    if is_valid(digits):
        return None
    return next((one for one in _without_prefix(digits) if one != digits and is_valid(one)), None)


def repaired_bare(digits: str) -> str | None:
    """Return the same for digits without a plus that may have a country code; None where they may be national."""
    if len(digits) < NATIONAL_DIGITS:
        return None
    # Of ten digits only those that are a national number nowhere: no mobile number begins so.
    if len(digits) == NATIONAL_DIGITS and not told_from_national(digits):
        return None
    return repaired(digits)


def former_prefixes(code: int) -> tuple[str, ...]:
    """Return national prefixes that are no longer in use, but are still found in exports."""
    return _FORMER_PREFIXES.get(code, ())


def prefixes_of(code: int) -> tuple[str, ...]:
    """Return the prefixes that people type after a country code, beyond those that libphonenumber removes."""
    known = plan_of(code).national_prefix
    return (*((known,) if known else ()), *former_prefixes(code), *_AFTER_CODE.get(code, ()))


def international(digits: str, *, strict: bool) -> str | None:
    """Return the digits of a number that has its country code, without a national prefix.

    None where no country has the code, and with `strict` where the country has no numbers that long.
    """
    found = split(digits)
    if found is None:
        return None
    if is_valid(digits):
        return digits
    code, national = found
    possible = _is_possible(digits)
    others = [one for one in _without_prefix(digits) if one != digits]
    twice = national.lstrip("0")
    if not possible and twice.startswith(str(code)):
        others += [twice, *_without_prefix(twice)]  # the country code is there again
    for one in others:
        if is_valid(one):
            return one
    if not possible or national.startswith("0"):
        shorter = next((one for one in _without_prefix(digits) if one != digits and _is_possible(one)), None)
        if shorter:
            return shorter
    return digits if possible or not strict else None
