"""Whether cells look like e-mail addresses or telephone numbers: by their shape, and by numbering plans."""

from __future__ import annotations

import re
from collections.abc import Sequence

from activation.identifiers.abroad import is_valid
from activation.identifiers.emails import Email
from activation.identifiers.numbering import is_number_of
from activation.identifiers.plans import NATIONAL_DIGITS, code_of, plans
from activation.identifiers.table import Context
from activation.identifiers.text import unmarked, whole_number

# So many of the filled cells have to look alike; exports hold words and blanks in between.
MAIL_SHARE = 0.8
# A column that is called a telephone number needs fewer valid ones than a column that only looks like one.
NAMED_SHARE, UNNAMED_SHARE = 0.6, 0.9

_MAIL = Email("any address")
_SEVERAL = re.compile(r"\s*(?::::|[;,|]).*", re.DOTALL)
_TYPED = re.compile(r"\+?[0-9 ().\u00a0\u2010-\u2013/-]+")
_LABEL = re.compile(r"\A[^\W\d_]{1,12}\.?:?\s*(?=[+(0-9])")
_GROUP = re.compile(r"[0-9]+")
# Digits with marks in between that are something else: decimals, dates, IPv4 addresses, thousands, postal codes
# (ZIP+4, Brazil's, Portugal's, Japan's), social security numbers, a year and a running number.
_NO_PHONE = re.compile(
    r"[+-]?[0-9]+[.,][0-9]+|[0-9]{4}([-./ ])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-./ ])[0-9]{1,2}\2[0-9]{2,4}"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{5}-[0-9]{3,4}|[0-9]{3,4}-[0-9]{3,4}"
    r"|[0-9]{3}-[0-9]{2}-[0-9]{4}|(?:19|20)[0-9]{2}[-/. ][0-9]{3,9}"
)
_DIGITS = (7, 15)
_UNNAMED_DIGITS = 9  # fewer are numbers of anything
# Whose national numbers are tried where no default country is configured.
_COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "PT", "BR", "NL", "JP", "BE", "AT", "CH", "SE", "MX", "AU", "IN")


def like_mail(cells: Sequence[str]) -> bool:
    """Return whether filled cells are e-mail addresses, at least MAIL_SHARE of them; several in a cell may be."""
    return bool(cells) and sum(map(_is_mail, cells)) >= MAIL_SHARE * len(cells)


def like_phones(cells: Sequence[str], *, named: bool, country: str) -> bool:
    """Return whether filled cells are telephone numbers.

    `named` says that the column's name says so; then bare digits count as well, otherwise only numbers with a plus
    and those written as people write telephone numbers. `country` is the default country (ISO alpha-2), "" for
    none. The national numbers among them have to be valid in one and the same country.
    """
    typed = [_typed(cell) for cell in cells]
    wanted = (NAMED_SHARE if named else UNNAMED_SHARE) * len(cells)
    usable = [one for one in typed if one and (named or _is_shown_as_phone(one))]
    if not cells or len(usable) < wanted:
        return False
    abroad = sum(_is_abroad(one, named=named) for one in usable)
    if abroad >= wanted:
        return True
    at_home = [one for one in usable if not one.startswith(("+", "00"))]
    return any(
        abroad + sum(is_number_of(one, region) for one in at_home) >= wanted
        for region in dict.fromkeys((*((country,) if country else ()), *_COUNTRIES))
    )


def has_country_code(cell: str) -> bool:
    """Return whether a cell of a telephone column carries its country code.

    It does with a plus or 00, or with more than ten digits that are a valid number.
    """
    typed = re.sub(r"[^0-9+]", "", whole_number(unmarked(cell)))
    return typed.startswith(("+", "00")) or (len(typed) > NATIONAL_DIGITS and is_valid(typed))


def _is_mail(cell: str) -> bool:
    for text in (cell, _SEVERAL.sub("", cell)):
        address, _ = _MAIL.value(text, Context())
        if address and "/" not in address:
            return True
    return False


def _typed(cell: str) -> str:
    """Return the first number of a cell as typed, "" where the cell cannot be one."""
    first = _LABEL.sub("", _SEVERAL.sub("", whole_number(unmarked(cell))))
    if not _TYPED.fullmatch(first) or first.startswith("-") or _NO_PHONE.fullmatch(first):
        return ""
    return first if _DIGITS[0] <= sum(c.isdigit() for c in first) <= _DIGITS[1] else ""


def _is_shown_as_phone(typed: str) -> bool:
    """Return whether digits are written as people write telephone numbers, and not as they write numbers at large.

    With a plus, with an area code in brackets, in two groups after a leading zero, or in three groups.
    """
    groups = _GROUP.findall(typed)
    if typed.startswith("+"):
        return True
    if sum(map(len, groups)) < _UNNAMED_DIGITS:
        return False
    return len(groups) > 2 or (len(groups) > 1 and typed.startswith(("(", "0")))


def _is_abroad(typed: str, *, named: bool) -> bool:
    """Return whether a number carries its country code; without a plus only where the column's name says phone."""
    digits = re.sub(r"[^0-9]", "", typed)
    if typed.startswith(("+", "00")):
        number = digits.lstrip("0")
        plan = plans().get(code_of(number)) if named else None
        return bool(plan and plan.lengths >> len(number) & 1) or is_valid(number)
    return named and len(digits) > NATIONAL_DIGITS and is_valid(digits)
