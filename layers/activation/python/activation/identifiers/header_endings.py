"""What databases and forms put behind a column's name: the type of its values, and how a date is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from activation.identifiers.headers import Meaning

# As in DOB (MM/DD/YYYY), Geburtsdatum [TT.MM.JJJJ].
_FORMAT = re.compile(
    r"\s*[(\[\uff08](?=[dtjgmya./ -]{6,10}[)\]\uff09])(?:([dtjgmya])\1*[./ -]?){3}[)\]\uff09]\s*", re.IGNORECASE
)
_ENDINGS = (
    (
        re.compile(r"[\W_]cd\Z", re.IGNORECASE),
        frozenset((Meaning.COUNTRY, Meaning.STATE, Meaning.POSTAL_CODE, Meaning.GENDER)),
    ),
    (re.compile(r"[\W_]dt\Z", re.IGNORECASE), frozenset((Meaning.BIRTH_DATE,))),
    (re.compile(r"[\W_]e\.?164(?=\Z|[\W_])", re.IGNORECASE), frozenset((Meaning.PHONE,))),
)


def without_format(name: str) -> str:
    """Return a name without a date's format in brackets."""
    return _FORMAT.sub(" ", name)


def without_ending(name: str) -> Iterator[tuple[str, frozenset[Meaning]]]:
    """Yield a name less each ending that it has, with the meanings of which that ending says something."""
    for ending, meanings in _ENDINGS:
        bare = ending.sub("", name)
        if bare != name:
            yield bare, meanings
