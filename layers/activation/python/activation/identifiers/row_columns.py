"""Which columns say whether a row may be sent at all, by what they are called (the words: row_columns.csv)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GAPS = re.compile(r"[\W_]+")


class Says(StrEnum):
    """What a column that is called so may say of a row; row_columns.csv explains each."""

    OPT_OUT = "opt_out"
    CONSENT = "consent"
    OPT_IN = "opt_in"
    PERMIT = "permit"
    STATUS = "status"
    OPERATION = "operation"
    CHANGE = "change"
    DELETED = "deleted"
    ACTIVE = "active"
    RECORD_STATE = "record_state"
    RECORD_STATUS = "record_status"


@dataclass(frozen=True)
class _Names:
    words: dict[str, Says] = field(default_factory=dict)
    stems: dict[str, Says] = field(default_factory=dict)
    whole: dict[str, set[Says]] = field(default_factory=dict)
    other: set[str] = field(default_factory=set)


def words_of(name: str) -> str:
    """Return the words of a name or a cell, in lower case and without accents, one space between them."""
    spaced = _CAMEL.sub(" ", name)
    if spaced.isascii():
        return _GAPS.sub(" ", spaced.lower()).strip()
    plain = unicodedata.normalize("NFKD", spaced).casefold()
    # Only Latin letters lose their marks: Japanese voicing marks are part of the letter.
    bare = unicodedata.normalize("NFC", "".join(c for c in plain if not "\u0300" <= c <= "\u036f"))
    return _GAPS.sub(" ", bare).strip()


@lru_cache(maxsize=4096)
def says(name: str) -> frozenset[Says]:
    """Return what a column of this name may say of its rows; nothing for nearly all names."""
    known, words = _names(), words_of(name)
    joined = words.replace(" ", "")
    found = set(known.whole.get(joined, ()))
    padded = f" {words} {words_of(name.casefold())} "
    if any(f" {one} " in padded for one in known.other) or any(
        one in joined for one in known.other if not one.isascii()
    ):
        return frozenset(found)
    found |= {kind for phrase, kind in known.words.items() if f" {phrase} " in padded}
    found |= {kind for stem, kind in known.stems.items() if stem in joined}
    return frozenset(found)


@lru_cache(maxsize=1)
def _names() -> _Names:
    names = _Names()
    for line in (files(__package__) / "row_columns.csv").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, how, listed = line.split(",")
        for one in map(words_of, listed.split("|")):
            if kind == "other":
                names.other.add(one)
            elif how == "words":
                names.words[one] = Says(kind)
            elif how == "stem":
                names.stems[one.replace(" ", "")] = Says(kind)
            else:
                names.whole.setdefault(one.replace(" ", ""), set()).add(Says(kind))
    return names
