"""What a column's name says: its meaning, whose it is, and how far to be trusted (the words: header_names.csv)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files

from activation.identifiers.header_endings import without_ending, without_format
from activation.identifiers.headers import ONE_PER_PERSON, PLACES, Meaning

NOBODY = ("staff", "company")  # somebody or something the rows are not about, whatever else they hold
UNSURE = ("maybe", "alone")  # entries of names that can mean something else
_ACCENTS = re.compile("[\u0300-\u036f]")
_SIGNS = re.compile(r"[\W_]+")
_CUSTOM = re.compile(r"__p?c\Z")  # what Salesforce puts behind the names of fields of one's own
_NUMBER = re.compile(r"(\D*)(\d{1,2})(\D*)")
_LINKS = ("dela", "delo", "del", "dell", "della", "des", "der", "dem", "de", "du", "da", "do", "di", "of", "van")
_NUMBER_STEP = 100  # "email 2" comes behind everything that is the first of its kind


@dataclass(frozen=True)
class Sense:
    """One thing that a column's name can mean.

    `rank` orders the columns of one meaning: the lowest is preferred. `person` is "" for the person that the row
    is about, else who it is (shipping, parent, attendee 2). `hashed` says that the name calls its values digests.
    `sure` is False for a name with other meanings; it is used where one of `companions` is in the header, a folded
    name or "@" and a meaning, and else only proposed. `number` is the one in the name, 0 for none: "email 2" may
    be a second address, or a second person's. `alone` says that the name has it without affixes only.
    """

    meaning: Meaning
    rank: int = 0
    person: str = ""
    hashed: bool = False
    sure: bool = True
    companions: frozenset[str] = frozenset()
    alone: bool = False
    number: int = 0


@dataclass(frozen=True)
class _Affix:
    """A word in front of a name or behind it: what it says, and how far it moves the column back."""

    what: str
    rank: int
    behind: bool


@dataclass(frozen=True)
class Vocabulary:
    """The file of names, folded: `names` with their senses, `whole` names that take no affix, and the affixes."""

    names: dict[str, list[Sense]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    nothing: set[str] = field(default_factory=set)
    affixes: dict[str, _Affix] = field(default_factory=dict)
    longest: int = 0


def fold(name: str) -> str:
    """Return a name as it is compared: letters and digits in lower case, without accents; Japanese stays."""
    if name.isascii():
        return _SIGNS.sub("", name.lower())
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", name.casefold()))
    return _SIGNS.sub("", unicodedata.normalize("NFKC", bare).casefold())


@lru_cache(maxsize=4096)
def senses(name: str) -> tuple[Sense, ...]:
    """Return what a column's name can mean, nothing where nobody knows; several where it depends on its row."""
    name = without_format(_CUSTOM.sub("", name))
    folded = fold(name)
    found = _read(folded)
    if not found and "/" in name:
        found = _joined(name)
    return found or _ended(name)


def _ended(name: str) -> tuple[Sense, ...]:
    """Read a name less a database's ending, which settles what the rest means: STATE_CD is no state of affairs."""
    found = ((one, meanings) for bare, meanings in without_ending(name) for one in _read(fold(bare)))
    return tuple(
        replace(one, sure=one.sure or one.meaning is not Meaning.GENDER)
        for one, meanings in found
        if one.meaning in meanings
    )


def core(name: str) -> str:
    """Return the folded name without its affixes and its number."""
    return _parts(fold(name))[0]


def settled(found: tuple[Sense, ...], companions: Collection[str]) -> Sense | None:
    """Return the sense that a header's other columns settle on: one that is sure, or has a companion there."""
    return next((one for one in found if one.sure or one.companions & frozenset(companions)), None)


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Return the file of names, read once; about 2 ms."""
    found = Vocabulary()
    for line in (files(__package__) / "header_names.csv").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        entry, what, rank, companions, names = line.split(",")
        folded = [fold(name) for name in names.split("|")]
        if entry in ("around", "before"):
            affix = _Affix(what, int(rank), entry == "around")
            for one in folded:
                before = found.affixes.setdefault(one, affix)
                if affix.behind and not before.behind:
                    found.affixes[one] = replace(before, behind=True)
        elif entry == "not":
            found.nothing.update(folded)
        else:
            sense = Sense(
                Meaning(what),
                int(rank),
                sure=entry not in UNSURE,
                alone=entry == "alone",
                companions=frozenset(companions.split("|")) if companions else frozenset(),
            )
            for one in folded:
                found.names.setdefault(one, []).append(sense)
            if entry == "whole":
                found.whole.update(folded)
    return found


def words_for_others() -> frozenset[str]:
    """Return the folded words that say somebody or something else than whom a file is about.

    Buyers and students are not among them: files are about them more often than not.
    """
    whose = {word: affix.what for word, affix in vocabulary().affixes.items() if ":" in affix.what}
    return frozenset(word for word, what in whose.items() if what not in ("person:buyer", "person:student"))


def names_of(meaning: Meaning) -> Iterator[tuple[str, bool]]:
    """Yield the names of a meaning as the file writes them, each with whether it is sure."""
    for line in (files(__package__) / "header_names.csv").read_text("utf-8").splitlines():
        entry, _, rest = line.partition(",")
        what, _, _, names = [*rest.split(","), "", "", ""][:4]
        if entry in ("name", "whole", *UNSURE) and what == meaning:
            yield from ((name, entry not in UNSURE) for name in names.split("|"))


def _joined(name: str) -> tuple[Sense, ...]:
    """Read a pair such as State/Province: one meaning where both sides have it, nothing where they differ."""
    sides = [_read(fold(side)) for side in name.split("/")]
    meanings = [{one.meaning for one in side} for side in sides]
    shared = set.intersection(*meanings)
    people = {one.person for side in sides for one in side} - {""}
    if len(shared) != 1 or len(people) > 1:
        return ()
    (meaning,) = shared
    rank = max(one.rank for side in sides for one in side if one.meaning is meaning)
    return (Sense(meaning, rank, next(iter(people), ""), any(one.hashed for side in sides for one in side)),)


def _read(folded: str) -> tuple[Sense, ...]:
    known = vocabulary()
    if folded in known.nothing:
        return ()
    if folded in known.names:
        return tuple(known.names[folded])
    bare, affixes, number = _parts(folded)
    if bare in known.nothing or bare not in known.names or (affixes and bare in known.whole):
        return ()
    return tuple(_with(one, affixes, number) for one in known.names[bare] if _fits(one, affixes))


def _fits(sense: Sense, affixes: tuple[_Affix, ...]) -> bool:
    """Return whether a meaning takes the affixes: only phones are mobile, and nobody has a second first name."""
    if sense.alone and affixes:
        return False
    second = any(one.rank >= _NUMBER_STEP for one in affixes)
    mobile = any(one.what == "mobile" for one in affixes)
    return not (mobile and sense.meaning is not Meaning.PHONE) and not (second and sense.meaning in ONE_PER_PERSON)


def _with(sense: Sense, affixes: tuple[_Affix, ...], number: tuple[int, bool]) -> Sense:
    """Return a sense as its name's affixes and number change it."""
    count, at_end = number
    people = [one.what.partition(":")[2] for one in affixes if ":" in one.what]
    nouns = any(one.what == "noun" for one in affixes)
    if not people and any(one.what == "work" for one in affixes) and sense.meaning in PLACES:
        people = ["company"]
    if not people and count > 1 and (sense.meaning in ONE_PER_PERSON or (nouns and not at_end)):
        people = ["contact"]
    person = people[0] if people else ""
    if person and count:
        person = f"{person} {count}"
    rank = sense.rank + sum(one.rank for one in affixes)
    if not person and count > 1:
        rank += _NUMBER_STEP * (count - 1)
    return Sense(
        sense.meaning,
        rank,
        person,
        any(one.what == "hash" for one in affixes),
        sense.sure,
        sense.companions,
        number=count,
    )


def _parts(folded: str) -> tuple[str, tuple[_Affix, ...], tuple[int, bool]]:
    """Take affixes and a number off a folded name: the rest, the affixes, the number and whether it came last."""
    known, taken = vocabulary(), []
    rest, number = folded, (0, False)
    while rest not in known.names:
        step = _affix(rest, known)
        if step is not None:
            rest = step[0]
            taken.append(step[1])
        elif not number[0] and (found := _NUMBER.fullmatch(rest)):
            rest, number = found[1] + found[3], (int(found[2]), not found[3])
        else:
            break
    return rest, tuple(taken), number


def _unlinked(rest: str, known: Vocabulary) -> str:
    """Take off the word that joined an affix behind a name: telefono de emergencia, email du parent."""
    if rest not in known.names:
        for link in _LINKS:
            if rest.endswith(link) and rest.removesuffix(link) in known.names:
                return rest.removesuffix(link)
    return rest


def _affix(rest: str, known: Vocabulary) -> tuple[str, _Affix] | None:
    """Take the longest affix off, in front before behind, that leaves something."""
    for length in range(len(rest) - 1, 0, -1):
        if (one := known.affixes.get(rest[:length])) is not None:
            return rest[length:], one
    for length in range(1, len(rest)):
        one = known.affixes.get(rest[length:])
        if one is not None and one.behind:
            return _unlinked(rest[:length], known), one
    return None
