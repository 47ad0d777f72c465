"""Conditions on cells: filters of rows, and having of groups."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from activation.identifiers.table import Context

from glue_scripts.normalize.cells import NUMBER_LIMIT, Parsed, days, numbers, trimmed
from glue_scripts.normalize.mapping import ORDERED, Compare, Condition, DecimalSign

ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
MOST_WORDS = 1_000
_MASKS = {
    Compare.AT_LEAST: pc.greater_equal,
    Compare.ABOVE: pc.greater,
    Compare.AT_MOST: pc.less_equal,
    Compare.BELOW: pc.less,
}


def condition_of(given: object) -> tuple[Condition | None, str]:
    """Return the condition that a mapping's entry is, or what is wrong with the entry."""
    if not isinstance(given, dict) or not isinstance(given.get("column"), str) or not given["column"].strip():
        return None, 'must be an object such as {"column": "amount", "at_least": 10}'
    compares = [one for one in Compare if one in given]
    if len(compares) != 1 or len(given) != 2:
        return None, f"must have column and one of {', '.join(Compare)}"
    compare, operand = compares[0], given[compares[0]]
    column = given["column"].strip()
    if compare in ORDERED and isinstance(operand, int | float) and not isinstance(operand, bool):
        if not -NUMBER_LIMIT < operand < NUMBER_LIMIT:  # nor is NaN
            return None, f"{compare}: must be a number below {NUMBER_LIMIT:.0e}"
        return Condition(column, compare, (str(operand),), numeric=True), ""
    words, what = _operand(compare, operand)
    return (Condition(column, compare, words), "") if words else (None, f"{compare}: {what}")


def _operand(compare: Compare, operand: Any) -> tuple[tuple[str, ...], str]:
    """Return an operand as texts, none where it is wrong, and what it must be."""
    if compare is Compare.PRESENT:
        return ((str(operand).lower(),) if isinstance(operand, bool) else ()), "must be true or false"
    if compare in ORDERED:
        fits = isinstance(operand, str) and _is_day(operand)
        return ((operand,) if fits else ()), 'must be a number, or a date such as "2026-11-30"'
    if compare in (Compare.IN, Compare.NOT_IN):
        fits = isinstance(operand, list) and 0 < len(operand) <= MOST_WORDS and all(map(_is_word, operand))
        return (tuple(map(_word, operand)) if fits else ()), "must be a list of texts or whole numbers"
    return ((_word(operand),) if _is_word(operand) else ()), "must be a text or a whole number"


def holds(
    condition: Condition, cells: pa.Array, context: Context, decimal: DecimalSign = DecimalSign.POINT
) -> Parsed:
    """Return for which cells a condition holds: a mask without nulls, and codes of the cells that do not compare.

    A blank cell is less than nothing: only `not_equals`, `not_in` and `present: false` hold for it.
    """
    texts = trimmed(cells)
    none = pa.nulls(len(texts), pa.string())
    if condition.compare is Compare.PRESENT:
        filled = pc.not_equal(texts, "")
        return Parsed(filled if condition.operand == ("true",) else pc.invert(filled), none)
    if condition.compare in ORDERED:
        parsed = numbers(texts, decimal) if condition.numeric else days(texts, context)
        one = numbers(pa.array(condition.operand)).values[0] if condition.numeric else condition.operand[0]
        if condition.numeric:
            mask = _MASKS[condition.compare](parsed.values, one)
        else:
            mask = _MASKS[condition.compare](parsed.values, pa.scalar(one))
        return Parsed(pc.fill_null(mask, fill_value=False), parsed.codes)
    mask = pc.is_in(texts, value_set=pa.array(condition.operand, pa.string()))
    if condition.compare in (Compare.NOT_EQUALS, Compare.NOT_IN):
        mask = pc.invert(mask)
    return Parsed(mask, none)


def _is_day(text: str) -> bool:
    try:
        return bool(ISO_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _is_word(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def _word(value: Any) -> str:
    return str(value).strip()
