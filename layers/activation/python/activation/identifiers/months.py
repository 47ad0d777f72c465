"""The names of the months in the languages that exports come in, and their usual abbreviations."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from activation.identifiers.text import romanized


@cache
def months() -> dict[str, int]:
    """Return the number of the month for each of its names, which are in month_names.txt, a line for each month.

    In English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Norwegian, Finnish, Polish,
    Turkish, Russian, Ukrainian and Greek, by the calendars of https://cldr.unicode.org, read 2026-11-29, in the
    cases that dates take. No name means two months, which leaves out Czech and Croatian, whose names for October
    and November are each other's.
    """
    lines = (files(__package__) / "month_names.txt").read_text("utf-8").splitlines()
    # Compared as dates are read: in lower case, accents off.
    return {romanized(name): number for number, line in enumerate(lines, 1) for name in line.split()}
