"""Countries and states: codes from the many ways exports spell them, by the ISO 3166 lists of pycountry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from activation.identifiers.codes import Code
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import foreign, romanized, trim

# What people write that ISO 3166-1 does not list: https://www.iso.org/obp/ui/#search (names as of 2026).
_COUNTRY_ALIASES = {
    "uk": "GB", "greatbritain": "GB", "britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northernireland": "GB", "uae": "AE", "unitedstatesofamerica": "US", "southkorea": "KR",
    "northkorea": "KP", "russia": "RU", "czechrepublic": "CZ", "holland": "NL", "thenetherlands": "NL",
    "turkey": "TR", "turkiye": "TR", "ivorycoast": "CI", "capeverde": "CV", "swaziland": "SZ",
    "easttimor": "TL", "burma": "MM", "macedonia": "MK", "vatican": "VA", "vaticancity": "VA",
    "brunei": "BN", "laos": "LA", "syria": "SY", "vietnam": "VN", "macau": "MO", "palestine": "PS",
    "micronesia": "FM", "drc": "CD", "congokinshasa": "CD", "democraticrepublicofcongo": "CD",
    "drcongo": "CD", "congobrazzaville": "CG", "republicofcongo": "CG", "hongkongsar": "HK",
    "falklandislands": "FK", "sainthelena": "SH", "usvirginislands": "VI", "britishvirginislands": "VG",
    "saintmartin": "MF", "sintmaarten": "SX", "deutschland": "DE", "espana": "ES", "italia": "IT",
    "brasil": "BR", "osterreich": "AT", "oesterreich": "AT", "schweiz": "CH", "koreasouth": "KR",
    "koreanorth": "KP", "laopdr": "LA", "holysee": "VA", "bosnia": "BA", "trinidad": "TT",
    "svalbard": "SJ", "palestinianterritory": "PS", "palestinianterritories": "PS",
    "hongkongsarchina": "HK", "macaosar": "MO", "macaosarchina": "MO", "republicofireland": "IE",
    "faeroeislands": "FO", "cocosislands": "CC", "pitcairnislands": "PN", "thebahamas": "BS",
    "suisse": "CH", "belgique": "BE", "belgie": "BE", "nederland": "NL", "polska": "PL",
    "sverige": "SE", "norge": "NO", "danmark": "DK", "suomi": "FI", "magyarorszag": "HU", "cesko": "CZ",
    "hellas": "GR", "eire": "IE",
}  # fmt: skip
# Names that two countries share.
_AMBIGUOUS = frozenset(("korea", "virginislands"))

# Beyond the codes and names of ISO 3166-2.
_STATE_ALIASES = {
    "US": {"washingtondc": "dc", "washingtondistrictofcolumbia": "dc", "virginislands": "vi",
           "usvirginislands": "vi", "northernmarianas": "mp"},
    "CA": {"newfoundland": "nl", "labrador": "nl", "newfoundlandlabrador": "nl", "yukonterritory": "yt",
           "princeedwardisle": "pe", "pei": "pe"},
}  # fmt: skip


def _folded(text: str) -> str:
    """Reduce a place name to the letters a to z, for comparison only."""
    return re.sub(r"[^a-z]", "", romanized(text))


def _spellings(name: str) -> Iterator[str]:
    """Give the ways to write an ISO name: turned at its comma, without it, with St for Saint, & for and."""
    head, _, tail = name.partition(", ")
    for form in (name, head, f"{tail} {head}") if tail else (name,):
        for plain in (form, re.sub(r"\bSaint\b", "St", form), re.sub(r"^The |, The$", "", form)):
            yield _folded(plain)
            yield _folded(re.sub(r"\band\b", "", plain))
    if not name.startswith("The "):
        yield _folded(f"the {name}")


@cache
def _countries() -> dict[str, str]:
    import pycountry  # noqa: PLC0415 - a tenth of a second that drops without a country column need not pay

    known: dict[str, str] = {}
    for country in pycountry.countries:
        for attribute in ("official_name", "common_name", "name"):
            name = getattr(country, attribute, None)
            if name:
                known.update((spelling, country.alpha_2) for spelling in _spellings(name))
    # "Congo" is one country's whole name and the head of another's: whole names and codes win.
    for country in pycountry.countries:
        known[_folded(country.name)] = country.alpha_2
    for name in _AMBIGUOUS:
        known.pop(name, None)
    known.update(_COUNTRY_ALIASES)
    for country in pycountry.countries:
        known[country.alpha_3.lower()] = country.alpha_2
        known[country.alpha_2.lower()] = country.alpha_2
    known["uk"] = "GB"
    return known


def _subdivisions(country: str) -> list[Any]:
    import pycountry  # noqa: PLC0415 - as above

    # pycountry's get has no annotations.
    found: list[Any] = pycountry.subdivisions.get(country_code=country)  # type: ignore[no-untyped-call]
    return found


@cache
def _states() -> dict[str, str]:
    known: dict[str, str] = {}
    for country in ("CA", "US"):
        for state in _subdivisions(country):
            code = state.code.partition("-")[2].lower()
            known[_folded(state.name)] = code
            known[code] = code
            known[f"{country.lower()}-{code}"] = code
        known.update(_STATE_ALIASES[country])
    return known


def country_code(text: str) -> str | None:
    """Give the ISO 3166-1 alpha-2 code, in upper case, that a code or a name stands for; None when unknown."""
    written = romanized(trim(text))
    if foreign(written) or any(c.isnumeric() for c in written):
        return None
    return _countries().get(_folded(written))


def country(name: str, *, upper: bool = False) -> PerValue:
    """Write ISO 3166-1 alpha-2 for a code, an alpha-3 code or a name."""

    def normalize(text: str, context: Context) -> Result:  # noqa: ARG001 - the protocol's
        code = country_code(text)
        if code is None:
            return None, Code.UNKNOWN_COUNTRY
        return (code if upper else code.lower()), None

    return PerValue(name, normalize)


def _state(text: str) -> tuple[str | None, str | None]:
    """Give the letters of a state or its code, lower case: (letters, None) or (None, code)."""
    written = romanized(trim(text))
    if foreign(written):
        return None, Code.NOT_LATIN
    coded = re.fullmatch(r"(us|ca)[-_]([a-z]{2})", written)
    if coded and (code := _states().get(f"{coded[1]}-{coded[2]}")):
        return code, None
    letters = re.sub(r"[^a-z]", "", written)
    if not letters:
        return None, Code.NOTHING_LEFT
    return _states().get(letters, letters), None


def state(name: str) -> PerValue:
    """Write two letters for the United States and Canada, elsewhere the name in the letters a to z."""

    def normalize(text: str, context: Context) -> Result:  # noqa: ARG001 - the protocol's
        return _state(text)

    return PerValue(name, normalize)


def two_letter_state(name: str) -> PerValue:
    """Write two letters: the code for the United States and Canada, elsewhere the first two ASCII letters.

    Accented letters are dropped whole first, as in Amazon's own fixtures: le for Île-de-France.
    """

    def normalize(text: str, context: Context) -> Result:  # noqa: ARG001 - the protocol's
        found, code = _state(text)
        if found is None or len(found) == 2:
            return found, code
        kept = re.sub(r"[^a-z]", "", trim(text).lower())
        return (kept[:2], None) if kept else (None, Code.NOT_LATIN)

    return PerValue(name, normalize)
