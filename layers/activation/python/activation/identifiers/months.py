"""The names of the months in the languages that exports come in, and their usual abbreviations."""

from __future__ import annotations

from functools import cache

# German, French, Spanish, Italian, Portuguese, Dutch and English; accents off, as they are compared. No name or
# abbreviation means two months.
_NAMES = """
january jan januar janner jaenner janvier janv enero ene gennaio gen janeiro januari
february feb februar fevrier fevr fev febrero febbraio fevereiro februari
march mar marz mrz maerz mars marzo marco maart mrt
april apr avril avr abril abr aprile
may mai mayo maggio mag maio mei
june jun juni juin junio giugno giu junho
july jul juli juillet juil julio luglio lug julho
august aug aout agosto ago augustus
september sep sept septembre septiembre setiembre set settembre setembro
october oct oktober okt octobre octubre ottobre ott outubro out
november nov novembre noviembre novembro
december dec dezember dez decembre diciembre dic dicembre dezembro
"""


@cache
def months() -> dict[str, int]:
    """Return the number of the month for each of its names."""
    lines = _NAMES.strip().splitlines()
    return {name: number for number, line in enumerate(lines, 1) for name in line.split()}
