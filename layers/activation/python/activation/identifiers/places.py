"""States and provinces: codes and names of ISO 3166-2.

Those of the United States and Canada are in state_names.txt, since pycountry reads the whole world's to tell them;
a test holds the file against it.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from activation.identifiers.codes import Code
from activation.identifiers.provinces import provinces
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import foreign, romanized, written

# Beyond the codes and names of ISO 3166-2.
_STATE_ALIASES = {
    "washingtondc": "dc", "washingtondistrictofcolumbia": "dc", "virginislands": "vi", "usvirginislands": "vi",
    "northernmarianas": "mp", "newfoundland": "nl", "labrador": "nl", "newfoundlandlabrador": "nl",
    "yukonterritory": "yt", "princeedwardisle": "pe", "pei": "pe",
}  # fmt: skip


def _folded(text: str) -> str:
    """Reduce a place name to the letters a to z, for comparison only."""
    return re.sub(r"[^a-z]", "", romanized(text))


@cache
def _states() -> dict[str, str]:
    known: dict[str, str] = {}
    for line in (files(__package__) / "state_names.txt").read_text("utf-8").splitlines():
        subdivision, _, name = line.partition(": ")
        code = subdivision[3:].lower()
        known.update({_folded(name): code, code: code, subdivision.lower(): code})
    return known | _STATE_ALIASES


def _state(text: str) -> tuple[str | None, str | None]:
    """Return the letters of a state or its code, lower case: (letters, None) or (None, code)."""
    plain = romanized(written(text))
    if foreign(plain):
        return None, Code.NOT_LATIN
    coded = re.fullmatch(r"(us|ca)[-_]([a-z]{2})", plain)
    if coded and (code := _states().get(f"{coded[1]}-{coded[2]}")):
        return code, None
    letters = re.sub(r"[^a-z]", "", plain)
    if not letters:
        return None, Code.NOTHING_LEFT
    return _states().get(letters, letters), None


def state(name: str) -> PerValue:
    """Write two letters for the United States and Canada, elsewhere the name in the letters a to z."""

    def normalize(text: str, context: Context) -> Result:
        return _state(text)

    return PerValue(name, normalize)


def two_letter_state(name: str) -> PerValue:
    """Write two letters: the code where the connector's country has codes, else the first two ASCII letters.

    Accented letters are dropped whole first, as in Amazon's own fixtures: le for Île-de-France. Without a country
    the names of the United States and Canada are known.
    """

    def normalize(text: str, context: Context) -> Result:
        found, code = _state(text)
        kept = re.sub(r"[^a-z]", "", written(text).lower())
        if found is not None and context.default_country not in ("", "US", "CA"):
            found = provinces(context.default_country).get(kept, kept[:2])
        elif found is not None and len(found) > 2:
            found = kept[:2]
        return (found, None) if found else (None, code or Code.NOT_LATIN)

    return PerValue(name, normalize, by_country=True)
