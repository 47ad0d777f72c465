"""Dates of birth: whole, or the year, month or day of one."""

from __future__ import annotations

import re

from activation.identifiers.codes import Code
from activation.identifiers.dates import FIRST_YEAR, begins_with_month, month_named, order_of, read_date, today
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import unmarked, whole_number

# 02/09/1985 on Meta's page of the Conversions API, where nothing says another order.
_META_S_PAGE = re.compile(r"\d{1,2}\D+\d{1,2}\D+\d{4}(?!\d).*", re.ASCII | re.DOTALL)


def whole_date(name: str) -> PerValue:
    """Write YYYYMMDD; where day and month could be swapped and nothing says how, month first as on Meta's page.

    A date that begins with a month's name is refused, as Meta's own library does (facebook/capi-param-builder,
    PIIUtilsTest).
    """

    def normalize(text: str, context: Context) -> Result:
        if begins_with_month(text):
            return None, Code.NOT_A_DATE
        order = order_of(context)
        if not order and not context.default_country and _META_S_PAGE.fullmatch(unmarked(text)):
            order = "mdy"
        parts, code = read_date(text, order)
        if parts is None:
            return None, code
        if parts.year is None or parts.month is None or parts.day is None:
            return None, Code.AMBIGUOUS_DATE
        if not parts.year or not parts.day:
            return None, Code.NOT_A_DATE
        return f"{parts.year}{parts.month}{parts.day}", None

    return PerValue(name, normalize, reads_dates=True)


def _number(text: str, width: int, low: int, high: int) -> tuple[str | None, str | None] | None:
    """Read a bare number: its result, or None when the cell is something else."""
    if not re.fullmatch(rf"\d{{1,{width}}}", text, re.ASCII):
        return None
    number = int(text)
    return (f"{number:0{width}}", None) if low <= number <= high else (None, Code.DATE_OUT_OF_RANGE)


def _year(text: str, context: Context) -> Result:
    bare = whole_number(unmarked(text))
    if re.fullmatch(r"\d{1,3}", bare, re.ASCII):
        return None, Code.NOT_A_DATE
    return _number(bare, 4, FIRST_YEAR, today().year) or _part(text, context, "year")


def _month(text: str, context: Context) -> Result:
    named = month_named(text)
    if named:
        return f"{named:02}", None
    return _number(whole_number(unmarked(text)), 2, 1, 12) or _part(text, context, "month")


def _day(text: str, context: Context) -> Result:
    return _number(whole_number(unmarked(text)), 2, 1, 31) or _part(text, context, "day")


def _part(text: str, context: Context, name: str) -> Result:
    parts, code = read_date(text, order_of(context))
    if parts is None:
        return None, code
    part: str | None = getattr(parts, name)
    if part is None:
        return None, Code.AMBIGUOUS_DATE
    return (part, None) if part else (None, Code.NOT_A_DATE)


YEAR = PerValue("YYYY from 1900 to this year, alone or from a whole date", _year, reads_dates=True)
MONTH = PerValue("MM from 01 to 12, a number, a month's name or from a whole date", _month, reads_dates=True)
DAY = PerValue("DD from 01 to 31, alone or from a whole date", _day, reads_dates=True)
