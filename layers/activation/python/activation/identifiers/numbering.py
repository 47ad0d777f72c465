"""Numbering plans of the world, from Google's libphonenumber (https://github.com/google/libphonenumber)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from activation.identifiers.abroad import former_prefixes, is_valid, plan_of, repaired

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

# libphonenumber is imported where a number needs it: a tenth of a second that drops without numbers need not pay.

# Country codes whose numbers may begin with 0, so that the zero stays: +39 06 is Rome. All others drop a zero
# that follows the country code. A test holds this list against the example numbers of libphonenumber.
ZERO_CODES = (39, 47, 225, 227, 229, 241, 242, 267, 268, 378, 501, 676, 679, 687, 853)
KEEPS_ZERO = r"\A(?:" + "|".join(str(code) for code in ZERO_CODES) + ")"


def has_numbers(country: str) -> bool:
    """Return whether an ISO alpha-2 code in upper case has a numbering plan, and can be a default country."""
    import phonenumbers

    return country in phonenumbers.SUPPORTED_REGIONS


@cache
def has_numbers_of(country: str, length: int) -> bool:
    """Return whether a country has mobile numbers of so few digits, as Andorra has; "" has none.

    Short numbers of landlines do not count: they may as well be a piece of a longer one.
    """
    from phonenumbers import PhoneMetadata

    metadata = PhoneMetadata.metadata_for_region(country, None) if country else None
    return bool(metadata and metadata.mobile and length in (metadata.mobile.possible_length or ()))


def national(digits: str, country: str) -> str | None:
    """Read digits without a plus, first as a number of `country` (ISO alpha-2), with its country code or without.

    They are taken when they are a valid number there, else when they are a valid number of some country with
    its code, else when they have the outline of a number of `country` (plans grow faster than the data).
    None when they are nothing of that, and where they are two numbers: see `read_two_ways`.
    """
    import phonenumbers

    first: PhoneNumber | None = None
    for number in _at_home(digits, country):
        if phonenumbers.is_valid_number(number):
            return _likelier(digits, number, country)
        first = first or number
    if not digits.startswith("0") and (abroad := digits if is_valid(digits) else repaired(digits)):
        return abroad
    return _digits(first) if first and _fits(first, country) else None


def read_two_ways(digits: str, country: str) -> bool:
    """Return whether digits are as likely a number of `country` with its country code as another without."""
    import phonenumbers

    valid = (number for number in _at_home(digits, country) if phonenumbers.is_valid_number(number))
    number = next(valid, None)
    return number is not None and _likelier(digits, number, country) is None


def _at_home(digits: str, country: str) -> Iterator[PhoneNumber]:
    """Yield the numbers that digits may be when dialled in a country, with its prefixes and without."""
    from phonenumbers import country_code_for_region

    code = country_code_for_region(country)
    stripped = digits.lstrip("0")
    with_code = stripped.startswith(str(code))
    dialled = (plan_of(code).national_prefix or "", *former_prefixes(code))
    without = [digits.removeprefix(prefix) for prefix in dialled]
    for typed in dict.fromkeys((digits, stripped if with_code else digits, *without)):
        if number := _parsed(typed, country):
            yield number


@lru_cache(maxsize=16)  # a number that is refused is asked about once more, to tell why
def _parsed(typed: str, country: str) -> PhoneNumber | None:
    import phonenumbers

    try:
        return phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        return None


def _likelier(digits: str, number: PhoneNumber, country: str) -> str | None:
    """Return the likelier of two numbers: the valid one at home, or the one that the digits are behind their plus.

    4915112345678 is a German mobile number whose plus was lost, and a valid landline of the area 0491 as well. A
    mobile number is likelier than another; None where both are mobile, or neither is.
    """
    import phonenumbers

    kinds = phonenumbers.PhoneNumberType
    home = _digits(number)
    if not digits.startswith(str(phonenumbers.country_code_for_region(country))):
        return home
    try:
        behind_plus = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return home
    if not phonenumbers.is_valid_number(behind_plus) or _digits(behind_plus) == home:
        return home
    may_be_mobile = (kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE)
    mobile = [phonenumbers.number_type(one) in may_be_mobile for one in (number, behind_plus)]
    if mobile[0] == mobile[1]:
        return None
    return home if mobile[0] else _digits(behind_plus)


def is_number_of(typed: str, country: str) -> bool:
    """Return whether a number as people type it at home is a valid one of `country` (ISO alpha-2).

    Where a prefix is dialled before a number it has to be there, unless the area code is in brackets: digits alone
    are a valid number of too many countries.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        return False
    if number.country_code != phonenumbers.country_code_for_region(country):
        return False
    trunk = plan_of(number.country_code).national_prefix or ""
    digits = re.sub(r"[^0-9]", "", typed)
    dialled = trunk in ("", "1") or digits.startswith(trunk) or typed.startswith("(")
    return dialled and bool(phonenumbers.is_valid_number(number))


def _fits(number: PhoneNumber, country: str) -> bool:
    """Return whether a number has the outline of the numbers of a country: length and first digits."""
    import phonenumbers

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    outline = metadata.general_desc.national_number_pattern if metadata and metadata.general_desc else None
    within = number.country_code == phonenumbers.country_code_for_region(country)
    return bool(within and outline and re.fullmatch(outline, phonenumbers.national_significant_number(number)))


def _digits(number: PhoneNumber) -> str:
    import phonenumbers

    return f"{number.country_code}{phonenumbers.national_significant_number(number)}"
