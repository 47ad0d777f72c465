"""Cells as numbers, days, times and parts of dates, a column at a time; what is none has a code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context as Arithmetic
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc
from activation.identifiers import births
from activation.identifiers.codes import Code
from activation.identifiers.dates import order_of, read_date
from activation.identifiers.event_times import EventTime
from activation.identifiers.rules import Result
from activation.identifiers.table import Context

from glue_scripts.normalize.mapping import DecimalSign, Derive, Derived, Period

# Sums are exact and the same in any order: whole numbers of a billionth.
NUMBER = pa.decimal128(38, 9)
NOT_A_NUMBER = "not_a_number"
NUMBER_LIMIT = 10**20  # numbers are smaller, so that sums of a billion rows fit
_STEP = Decimal("1e-9")
_ARITHMETIC = Arithmetic(prec=38)  # the default of 28 digits is too small for NUMBER
_SURE = r"\A-?[0-9]{1,18}(?:\.[0-9]{1,9})?\z"
_NOT_DECIMAL = {
    DecimalSign.COMMA: (r"\.", "?"),
    DecimalSign.EITHER: (r"\A([+-]?[0-9]{1,3})[.,]([0-9]{3})\z", r"\1?\2"),
}
_PARTS = {Derive.YEAR: births.YEAR, Derive.MONTH: births.MONTH, Derive.DAY: births.DAY}


@dataclass(frozen=True)
class Parsed:
    """Cells after parsing: `values`, null where blank or none; `codes` (string) say why a filled cell has none."""

    values: pa.Array
    codes: pa.Array


def trimmed(cells: pa.Array) -> pa.Array:
    """Return texts without white space around them, "" for null."""
    return pc.utf8_trim_whitespace(pc.fill_null(cells, ""))


def numbers(cells: pa.Array, decimal: DecimalSign = DecimalSign.POINT) -> Parsed:
    """Return cells as decimals: digits with the decimal sign, also with an exponent, and no others between them.

    `1,000` could be two numbers: with a point as the sign it is none, and with either sign neither is `1.000`.
    """
    texts = trimmed(cells)
    if decimal is not DecimalSign.POINT:
        # A sign of the other kind, and one that may part thousands, becomes what no number has.
        texts = pc.replace_substring_regex(texts, *_NOT_DECIMAL[decimal])
        texts = pc.replace_substring(texts, ",", ".")
    if pc.all(pc.match_substring_regex(texts, _SURE), min_count=0).as_py():
        return Parsed(texts.cast(NUMBER), pa.nulls(len(texts), pa.string()))
    found = per_distinct(texts, _number)
    return Parsed(found.values.cast(NUMBER), found.codes)


def number_texts(values: pa.Array) -> pa.Array:
    """Return decimals as texts without zeros at their end: 12.5, 100."""
    texts = values.cast(pa.string())
    # Arrow writes zero, and what is smaller than a millionth, with an exponent: 0E-9.
    scientific = pc.fill_null(pc.match_substring(texts, "E"), fill_value=False)
    if pc.any(scientific, min_count=0).as_py():
        plain = per_distinct(texts.filter(scientific), lambda text: (format(Decimal(text), "f"), None))
        texts = pc.replace_with_mask(texts, scientific, plain.values)
    return pc.replace_substring_regex(texts, r"\.?0+$", "")


def days(cells: pa.Array, context: Context) -> Parsed:
    """Return cells as YYYY-MM-DD, which compare as texts."""
    return per_distinct(trimmed(cells), lambda text: _day(text, context))


def times(cells: pa.Array, context: Context) -> Parsed:
    """Return cells as Unix seconds (int64): ISO 8601 with its zone or the context's, or seconds."""
    rule, texts = EventTime(), trimmed(cells)
    found = per_distinct(texts, lambda text: rule.value(text, context))
    return Parsed(found.values.cast(pa.int64()), found.codes)


def derive(one: Derived, cells: Sequence[pa.Array], context: Context) -> Parsed:
    """Return a derived column of texts."""
    if one.how is Derive.JOIN:
        texts = [trimmed(each) for each in cells]
        filled = [pc.if_else(pc.equal(each, ""), pa.scalar(None, pa.string()), each) for each in texts]
        joined = pc.binary_join_element_wise(*filled, one.separator, null_handling="skip")
        return Parsed(joined, pa.nulls(len(joined), pa.string()))
    if one.how is Derive.PERIOD:
        return per_distinct(trimmed(cells[0]), lambda text: _period(text, one.period, context))
    rule = _PARTS[one.how]
    return per_distinct(trimmed(cells[0]), lambda text: rule.value(text, context))


def per_distinct(texts: pa.Array, read: Callable[[str], Result]) -> Parsed:
    """Return what `read` gives for each text, asked once for each distinct one; "" is blank."""
    encoded = texts.dictionary_encode()
    read_of = [read(text) if text else (None, None) for text in encoded.dictionary.to_pylist()]
    values = pa.array([value for value, _ in read_of], pa.string())
    codes = pa.array([code for _, code in read_of], pa.string())
    return Parsed(values.take(encoded.indices), codes.take(encoded.indices))


def _number(text: str) -> Result:
    try:
        number = Decimal(text) if text.isascii() and len(text) <= 60 and "_" not in text else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= NUMBER_LIMIT:
        return None, NOT_A_NUMBER
    return format(number.quantize(_STEP, context=_ARITHMETIC), "f"), None


def _day(text: str, context: Context) -> Result:
    parts, code = read_date(text, order_of(context))
    if parts is None:
        return None, code
    if parts.year is None or parts.month is None or parts.day is None:
        return None, Code.AMBIGUOUS_DATE
    if not (parts.year and parts.month and parts.day):
        return None, Code.NOT_A_DATE
    return f"{parts.year}-{parts.month}-{parts.day}", None


def _period(text: str, period: Period, context: Context) -> Result:
    day, code = _day(text, context)
    if day is None:
        return None, code
    year, month, _ = day.split("-")
    if period is Period.WEEK:
        of_year, week, _ = date.fromisoformat(day).isocalendar()
        return f"{of_year}-W{week:02}", None
    names = {
        Period.DAY: day,
        Period.MONTH: f"{year}-{month}",
        Period.QUARTER: f"{year}-Q{(int(month) + 2) // 3}",
        Period.YEAR: year,
    }
    return names[period], None
