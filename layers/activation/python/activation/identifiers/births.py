"""Dates of birth: whole, or the year, month or day of one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from activation.identifiers.codes import Code
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import trim

_FIRST_YEAR = 1900
_SEPARATOR = r"\s*[-/.\s]\s*"
_YEAR_FIRST = re.compile(rf"(\d{{4}}){_SEPARATOR}(\d{{1,2}}){_SEPARATOR}(\d{{1,2}})", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}}){_SEPARATOR}(\d{{1,2}}){_SEPARATOR}(\d{{4}})", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
# A time of day, which exports of timestamps add, and a hint at the format in brackets.
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s*[AaPp][Mm])?(?:Z|\s*UTC|[+-]\d{2}:?\d{2})?"
_TAIL = re.compile(rf"(?:T|\s+){_TIME}\Z|\s*\([a-zA-Z/.\- ]{{6,12}}\)\Z", re.ASCII)
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTH_NAMES = {name[:length]: n for n, name in enumerate(_MONTHS, 1) for length in (3, len(name))} | {"sept": 9}
# Month-first is read where the platform's own page writes dates so and the connector's country does too.
_MONTH_FIRST_COUNTRIES = ("", "US")

_Parts = tuple[str, str | None, str | None]  # year, month, day; None where day and month could be swapped


def _today() -> date:
    return datetime.now(UTC).date()


def _parts(text: str, *, month_first: bool) -> tuple[_Parts | None, str | None]:
    """Read a whole date: its parts, or the code that says why not."""
    bare = trim(_TAIL.sub("", trim(text)))
    found = _COMPACT.fullmatch(bare) or _YEAR_FIRST.fullmatch(bare)
    if found:
        year, month, day = (int(part) for part in found.groups())
        return _checked(year, month, day)
    found = _YEAR_LAST.fullmatch(bare)
    if not found:
        return None, Code.NOT_A_DATE
    first, second, year = (int(part) for part in found.groups())
    if first > 12 or first == second:
        return _checked(year, second, first)
    if second > 12 or month_first:
        return _checked(year, first, second)
    whole, code = _checked(year, first, second)
    return ((whole[0], None, None), None) if whole else (None, code)


def _checked(year: int, month: int, day: int) -> tuple[_Parts | None, str | None]:
    try:
        born = date(year, month, day)
    except ValueError:
        return None, Code.DATE_OUT_OF_RANGE
    if born.year < _FIRST_YEAR or born > _today():
        return None, Code.DATE_OUT_OF_RANGE
    return (f"{year:04}", f"{month:02}", f"{day:02}"), None


def whole_date(name: str) -> PerValue:
    """Write YYYYMMDD. Where day and month could be swapped, month first as on Meta's page, or refuse."""

    def normalize(text: str, context: Context) -> Result:
        month_first = context.default_country in _MONTH_FIRST_COUNTRIES
        parts, code = _parts(text, month_first=month_first)
        if parts is None:
            return None, code
        year, month, day = parts
        if month is None or day is None:
            return None, Code.AMBIGUOUS_DATE
        return f"{year}{month}{day}", None

    return PerValue(name, normalize)


def _number(text: str, width: int, low: int, high: int) -> tuple[str | None, str | None] | None:
    """Read a bare number: its result, or None when the cell is something else."""
    if re.fullmatch(r"\d+\.0", text, re.ASCII):
        return None, Code.NUMBER_AS_FLOAT
    if not re.fullmatch(rf"\d{{1,{width}}}", text, re.ASCII):
        return None
    number = int(text)
    return (f"{number:0{width}}", None) if low <= number <= high else (None, Code.DATE_OUT_OF_RANGE)


def _year(text: str, context: Context) -> Result:  # noqa: ARG001 - the protocol's
    bare = trim(text)
    if re.fullmatch(r"\d{1,3}", bare, re.ASCII):
        return None, Code.NOT_A_DATE
    return _number(bare, 4, _FIRST_YEAR, _today().year) or _part(bare, 0)


def _month(text: str, context: Context) -> Result:  # noqa: ARG001 - the protocol's
    bare = trim(text)
    named = _MONTH_NAMES.get(bare.lower().rstrip("."))
    return (f"{named:02}", None) if named else _number(bare, 2, 1, 12) or _part(bare, 1)


def _day(text: str, context: Context) -> Result:  # noqa: ARG001 - the protocol's
    bare = trim(text)
    return _number(bare, 2, 1, 31) or _part(bare, 2)


def _part(text: str, index: int) -> Result:
    parts, code = _parts(text, month_first=False)
    if parts is None:
        return None, code
    return (parts[index], None) if parts[index] else (None, Code.AMBIGUOUS_DATE)


YEAR = PerValue("YYYY from 1900 to this year, alone or from a whole date", _year)
MONTH = PerValue("MM from 01 to 12, a number, an English name or from a whole date", _month)
DAY = PerValue("DD from 01 to 31, alone or from a whole date", _day)
