"""Dates as exports write them: what year, month and day they are, as far as that is certain.

A date whose numbers could be in another order (02/09/1985) is read in the order that the settings say, or else the
default country's; `date_order` finds the order in a column's own rows. Where nothing says it, the parts that
differ stay unknown: nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.months import months
from activation.identifiers.table import Context
from activation.identifiers.text import romanized, trim, unmarked, whole_number

FIRST_YEAR = 1900
ORDERS = ("dmy", "mdy", "ymd")
# Who writes the month first, and who the year (https://cldr.unicode.org, short date formats, read 2026-11-29);
# Canada and South Africa write several. All others write the day first.
_ORDER_OF_COUNTRY = (
    dict.fromkeys(("US", "PH", "PR", "GU", "VI", "AS", "MP", "FM", "MH", "PW"), "mdy")
    | dict.fromkeys(("CN", "JP", "KR", "KP", "TW", "HU", "LT", "MN", "IR"), "ymd")
    | dict.fromkeys(("CA", "ZA", ""), "")
)
# A year of two digits is that of somebody of an age at which people are in audiences, if only one century is.
_YOUNGEST, _OLDEST = 13, 100
# How many different dates of a column are looked at to find its order.
_SAMPLE = 2_000

_ZONE = r"(?:\s*(?:[a-z]{1,5}(?:[+-]\d{1,2}:?\d{2})?|[+-]\d{1,2}(?::?\d{2}){0,2}|[a-z]+/[a-z_/]+))*"
_CLOCK = r"\d{1,2}(?::\d{2}(?::\d{2}(?:[.,:]\d{1,9})?)?|\.\d{2}\.\d{2}(?:\.\d{1,9})?|h\d{2})(?:\s*[ap]\.?m\.?)?"
_REMARK = r"(?:\s*\[[^]]*\]|\s*\([^)]*\))*"
_TIME = re.compile(rf"(?:t|\s+|,\s*|:){_CLOCK}{_ZONE}{_REMARK}\Z")
_DAY_WITH_ZONE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:z|[+-]\d{2}:?\d{2})")
# What stands behind a year in Russian, Ukrainian, Bulgarian and Polish.
_YEAR_WORD = re.compile(r"(?<=\d)\s*(?:[\u0430-\u044f]{1,4}|r|roku)\.?\Z")
# A hint at the format, as Meta's page has it: 2/16/1997 (mm/dd/yyyy).
_HINT = re.compile(r"\s*\(([dmy/.\- ]{6,12})\)\Z")
_IDEOGRAPHS = re.compile(r"(\d{4})\s*[\u5e74\ub144]\s*(\d{1,2})\s*[\u6708\uc6d4]\s*(\d{1,2})\s*[\u65e5\uc77c]?")

_SEPARATOR = r"\s*[-/.\s]\s*"
_NUMBERS = re.compile(rf"(\d{{1,4}}){_SEPARATOR}(\d{{1,2}}){_SEPARATOR}(\d{{1,4}})\.?")
_COMPACT = re.compile(r"(\d{8})(?:t?\d{4}(?:\d{2}(?:[.,]\d{1,9})?)?z?)?")
_WITHOUT_YEAR = re.compile(r"--(\d{2})-?(\d{2})|(\d{1,2})\s*[-/.]\s*(\d{1,2})\.?")
_MONTH_AND_YEAR = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{4})|(\d{4})\s*[-/.]\s*(\d{1,2})")
# With a month's name: 17 May 1980, 17MAY1980, 1er mai 1980, 17 de mayo de 1980; May 17th, 1980; 1980-May-17; as C
# and Java write a moment, Sat May 17 00:00:00 1980; and May 1980.
_WEEKDAY = r"(?:[^\W\d_]{2,14}\.?,?\s+)?"
_GAP = r"[\s.,/'-]*(?:(?:de|of|del)\s+)?"
_ORDINAL = r"(?:st|nd|rd|th|er|e|o|\.)?"


@dataclass(frozen=True)
class _Worded:
    """The patterns of dates that name a month, each with all of its names in all languages."""

    day_first: re.Pattern[str]
    month_first: re.Pattern[str]
    year_first: re.Pattern[str]
    moment: re.Pattern[str]
    month_of_year: re.Pattern[str]
    begins_with_month: re.Pattern[str]


@cache
def _worded_dates() -> _Worded:
    """Return the patterns, compiled when a drop has dates: that takes as long as loading fifteen modules."""
    month = "(" + "|".join(sorted(months(), key=len, reverse=True)) + r")\.?"
    return _Worded(
        day_first=re.compile(rf"{_WEEKDAY}(\d{{1,2}}){_ORDINAL}{_GAP}{month}{_GAP}(\d{{4}}|\d{{2}})"),
        month_first=re.compile(rf"{_WEEKDAY}{month}{_GAP}(\d{{1,2}}){_ORDINAL}[\s.,/'-]+(\d{{4}}|\d{{2}})"),
        year_first=re.compile(rf"(\d{{4}}){_GAP}{month}{_GAP}(\d{{1,2}})"),
        moment=re.compile(rf"{_WEEKDAY}{month}\s+(\d{{1,2}})\s+\d{{2}}:\d{{2}}:\d{{2}}\s+(?:[a-z]+\s+)?(\d{{4}})"),
        month_of_year=re.compile(rf"{month}{_GAP}(\d{{4}})"),
        begins_with_month=re.compile(rf"{month}\s*\d"),
    )


@dataclass(frozen=True)
class Parts:
    """YYYY, MM and DD of a date: None where two readings differ, "" where the cell does not say."""

    year: str | None
    month: str | None
    day: str | None


Read = tuple[Parts | None, str | None]


def today() -> date:
    """Return the day it is."""
    return datetime.now(UTC).date()


def order_of(context: Context) -> str:
    """Return the order of a date's numbers that is set, or else the default country's; "" for none."""
    return context.date_order or _ORDER_OF_COUNTRY.get(context.default_country, "dmy")


def read_date(text: str, order: str) -> Read:
    """Return the parts of a date, or the code that says why it is none; `order` is what numbers could swap by."""
    bare, hinted = _without_time(text)
    if compact := _COMPACT.fullmatch(bare):
        bare = compact[1]
        # Year first wherever that is a date; no eight digits are one both ways.
        read = _numeric((bare[:4], bare[4:6], bare[6:]), "ymd")
        return read if read[0] else _numeric((bare[:2], bare[2:4], bare[4:]), hinted or order)
    if numbers := _NUMBERS.fullmatch(bare):
        return _numeric(numbers.groups(), hinted or order)
    if without_year := _WITHOUT_YEAR.fullmatch(bare):
        month, day, first, second = without_year.groups()
        return _merged(_birthdays(month, day, "mdy") if month else _birthdays(first, second, order))
    return _worded(bare)


def month_named(text: str) -> int | None:
    """Return the number of the month that a cell names; None where it names none."""
    return months().get(romanized(unmarked(text)).rstrip("."))


def begins_with_month(text: str) -> bool:
    """Return whether a date begins with the name of a month."""
    return _worded_dates().begins_with_month.match(romanized(unmarked(text))) is not None


def date_order(values: pa.Array | pa.ChunkedArray) -> str:
    """Return the one order in which all dates of a column can be read; "" where there is none or more than one.

    `values` are the raw cells, strings, of as much of a drop as decides for all of it, so that every reader of the
    drop comes to the same: its first part, not the chunk at hand.
    """
    fits = set(ORDERS)
    for text in pc.unique(values.cast(pa.string()).drop_null()).slice(0, _SAMPLE).to_pylist():
        bare, hinted = _without_time(text)
        numbers = _NUMBERS.fullmatch(bare)
        # A year of four digits in front says nothing of how the others are written.
        if numbers and len(numbers[1]) <= 2 and not hinted:
            possible = {order for order, _ in _readings(numbers.groups())}
            fits &= possible or fits
    return fits.pop() if len(fits) == 1 else ""


def _without_time(text: str) -> tuple[str, str]:
    """Return the date of a cell in ASCII digits and lower case, and the order that a hint in brackets says."""
    plain = unicodedata.normalize("NFKC", whole_number(unmarked(text)))
    if ideographs := _IDEOGRAPHS.match(plain):
        plain = "-".join(ideographs.groups()) + plain[ideographs.end() :]
    bare, order = trim(romanized(plain)), ""
    if hint := _HINT.search(bare):
        order = "".join(dict.fromkeys(c for c in hint[1] if c in "dmy"))
        bare = bare[: hint.start()]
    if zoned := _DAY_WITH_ZONE.fullmatch(bare):
        return zoned[1], order
    if _worded_dates().moment.fullmatch(bare):
        return bare, order
    return trim(_YEAR_WORD.sub("", _TIME.sub("", bare))), order if order in ORDERS else ""


def _numeric(numbers: tuple[str, ...], order: str) -> Read:
    """Read three numbers."""
    readings = dict(_readings(numbers))
    if order in readings:
        return readings[order], None
    if not readings:
        return None, Code.DATE_OUT_OF_RANGE
    return _merged(list(readings.values()))


def _readings(numbers: tuple[str, ...]) -> Iterator[tuple[str, Parts]]:
    """Yield each order in which three numbers are a date, with its parts."""
    for order in ORDERS:
        by_letter = dict(zip(order, numbers, strict=True))
        # A year of four digits is where it stands; days and months have two at most.
        if len(by_letter["d"]) > 2 or len(by_letter["m"]) > 2 or len(by_letter["y"]) in (1, 3):
            continue
        parts = _checked(by_letter["y"], int(by_letter["m"]), int(by_letter["d"]))
        if parts:
            yield order, parts


def _worded(bare: str) -> Read:
    """Read a date with a month's name in it."""
    worded = _worded_dates()
    if found := worded.day_first.fullmatch(bare):
        day, month, year = found.groups()
    elif found := worded.month_first.fullmatch(bare) or worded.moment.fullmatch(bare):
        month, day, year = found.groups()
    elif found := worded.year_first.fullmatch(bare):
        year, month, day = found.groups()
    else:
        return _month_of_year(bare)
    parts = _checked(year, months()[month], int(day))
    return (parts, None) if parts else (None, Code.DATE_OUT_OF_RANGE)


def _month_of_year(bare: str) -> Read:
    """Read a month and its year."""
    if found := _worded_dates().month_of_year.fullmatch(bare):
        parts = _checked(found[2], months()[found[1]], 1)
    elif numbers := _MONTH_AND_YEAR.fullmatch(bare):
        parts = _checked(numbers[2] or numbers[3], int(numbers[1] or numbers[4]), 1)
    else:
        return None, Code.NOT_A_DATE
    return (replace(parts, day=""), None) if parts else (None, Code.DATE_OUT_OF_RANGE)


def _birthdays(first: str, second: str, order: str) -> list[Parts]:
    """Return the ways to read two numbers as a month and a day, without a year."""
    pairs = {"mdy": [(first, second)], "ymd": [(first, second)], "dmy": [(second, first)]}
    both = [_checked("2000", int(m), int(d)) for m, d in ((first, second), (second, first))]
    told = [_checked("2000", int(m), int(d)) for m, d in pairs.get(order, [])]
    return [replace(parts, year="") for parts in ([one for one in told if one] or both) if parts]


def _merged(readings: list[Parts]) -> Read:
    """Return the parts that all readings have."""
    if not readings:
        return None, Code.DATE_OUT_OF_RANGE
    columns = zip(*((one.year, one.month, one.day) for one in readings), strict=True)
    return Parts(*(same.pop() if len(same := set(column)) == 1 else None for column in columns)), None


def _checked(year: str, month: int, day: int) -> Parts | None:
    """Return the parts of a day that there was since 1900; the year is None where its century is not certain."""
    years = [int(year)] if len(year) == 4 else [1900 + int(year), 2000 + int(year)]
    born = []
    for one in years:
        try:
            born.append(date(one, month, day))
        except ValueError:
            continue
    born = [one for one in born if date(FIRST_YEAR, 1, 1) <= one <= today()]
    if not born:
        return None
    likely = [one for one in born if _YOUNGEST <= today().year - one.year <= _OLDEST] if len(years) > 1 else born
    written = f"{likely[0].year:04}" if len(likely) == 1 else None
    return Parts(written, f"{month:02}", f"{day:02}")
