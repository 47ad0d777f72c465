"""Countries: ISO 3166-1 codes from codes and names, as exports spell them.

By the lists of pycountry, whose codes are in country_codes.txt besides, by what people write that ISO does not
list, and by the countries' names in the languages that exports come in (country_names.txt: German, French,
Spanish, Italian, Portuguese, Dutch, Japanese and each country's own, of Unicode's CLDR as in Babel 2.19,
https://cldr.unicode.org, read 2026-11-29).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from activation.identifiers.codes import Code
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import romanized, written

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
    "hellas": "GR", "eire": "IE", "usofa": "US", "virginislandsus": "VI", "virginislandsbritish": "VG",
}  # fmt: skip
# The letters on cars, which German exports have, and the codes of sports federations that people take for ISO's:
# those that mean no other country. Annex 4 of the 1949 Convention on Road Traffic has A, B, F, I and L
# (https://360.lexisnexis.at/d/rechtsnorm-ris/anhang_4_abkommen_uber_den_strassenverkehr/L-10011286-L4, read
# 2026-11-29); the other letters and the sports codes are common knowledge, for which no page was read.
_OTHER_CODES = {
    "d": "DE", "a": "AT", "f": "FR", "i": "IT", "e": "ES", "b": "BE", "l": "LU", "s": "SE", "p": "PT",
    "ger": "DE", "sui": "CH", "ned": "NL", "den": "DK", "por": "PT", "gre": "GR",
}  # fmt: skip
# Names that two countries share.
_AMBIGUOUS = frozenset(("korea", "virginislands"))
# A name and its code in one cell: Germany (DE), Germany [DE], DE - Germany, DE-Germany, DE: Germany, Germany, DE.
_IN_BRACKETS = re.compile(r"(.+?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]")
_BETWEEN = r"(?:\s*[-\u2013\u2014/|:,]\s*|\s+)"
_CODE = r"([^\W\d_]{1,3})"
_SIDE_BY_SIDE = (
    re.compile(rf"{_CODE}{_BETWEEN}(.+)"),
    re.compile(rf"(.+){_BETWEEN}{_CODE}"),
    re.compile(r"(.+)/(.+)"),
)
# ISO's own list turns articles: United States of America (the), Korea (the Republic of), Falkland Islands (the)
# [Malvinas].
_ARTICLE = re.compile(r"\s*\(the\)(?:\s*\[.*\])?|(?<=[(,])\s*the\b", re.IGNORECASE)


def folded(text: str) -> str:
    """Reduce a place name to its letters, a to z or of another script, for comparison only."""
    return "".join(c for c in romanized(unicodedata.normalize("NFKC", text)) if unicodedata.category(c)[0] in "LM")


def _spellings(name: str) -> Iterator[str]:
    """Return the ways to write an ISO name: turned at its comma, without it, with St for Saint, & for and."""
    head, _, tail = name.partition(", ")
    for form in (name, head, f"{tail} {head}") if tail else (name,):
        for plain in (form, re.sub(r"\bSaint\b", "St", form), re.sub(r"^The |, The$", "", form)):
            yield folded(plain)
            yield folded(re.sub(r"\band\b", "", plain))
    if not name.startswith("The "):
        yield folded(f"the {name}")


@cache
def _countries() -> dict[str, str]:
    import pycountry

    known: dict[str, str] = {}
    for country in pycountry.countries:
        for attribute in ("official_name", "common_name", "name"):
            name = getattr(country, attribute, None)
            if name:
                known.update((spelling, country.alpha_2) for spelling in _spellings(name))
    # "Congo" is one country's whole name and the head of another's: whole names and codes win.
    for country in pycountry.countries:
        known[folded(country.name)] = country.alpha_2
    for name in _AMBIGUOUS:
        known.pop(name, None)
    known.update(_COUNTRY_ALIASES)
    known.update(_OTHER_CODES)
    return known | _codes()


@cache
def _codes() -> dict[str, str]:
    """Return alpha-2 by both of a country's codes, apart: most cells are one, and need not wait for names."""
    lines = (files(__package__) / "country_codes.txt").read_text("utf-8").replace("\n", ", ").strip(", ")
    pairs = [one.split(" ") for one in lines.split(", ")]
    return {code.lower(): pair[0] for pair in pairs for code in pair} | {"uk": "GB"}


@cache
def _local_names() -> dict[str, str]:
    """Return the names in country_names.txt, apart: most cells are English, and need not wait for it."""
    names: dict[str, str] = {}
    for line in (files(__package__) / "country_names.txt").read_text("utf-8").splitlines():
        code, _, spelled = line.partition(": ")
        names.update((folded(name), code) for name in spelled.split(", "))
    return names


def country_code(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code, in upper case, that a code or a name stands for; None when unknown."""
    name = written(text)
    if any(c.isdecimal() for c in name):
        return None
    plain = _ARTICLE.sub("", name)
    return _code_of(name) or _code_of(plain) or _with_code(plain)


def _code_of(name: str) -> str | None:
    plain = folded(name)
    return _codes().get(plain) or _countries().get(plain) or _local_names().get(plain)


def _with_code(name: str) -> str | None:
    """Read a name with its code beside it, or as ISO's own list turns it: Bolivia (Plurinational State of)."""
    if found := _IN_BRACKETS.fullmatch(name):
        head, tail = found.groups()
        if code := _code_of(f"{tail} {head}") or _code_of(f"{head}, {tail}"):
            return code
    pairs = [one.groups() for one in (found, *(both.fullmatch(name) for both in _SIDE_BY_SIDE)) if one]
    codes = {(_code_of(one), _code_of(other)) for one, other in pairs}
    return next((one for one, other in codes if one and one == other), None)


def country(name: str, *, upper: bool = False, refused: tuple[str, ...] = ()) -> PerValue:
    """Write ISO 3166-1 alpha-2 for a code, an alpha-3 code or a name, less what the platform itself refuses."""

    def normalize(text: str, context: Context) -> Result:
        code = None if written(text) in refused else country_code(text)
        if code is None:
            return None, Code.UNKNOWN_COUNTRY
        return (code if upper else code.lower()), None

    return PerValue(name, normalize)
