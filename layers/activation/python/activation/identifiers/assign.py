"""Which columns of a header fill a platform's fields, in which order, and which could if somebody said so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from activation.identifiers.country_of_row import country_of_row
from activation.identifiers.header_names import NOBODY, Sense, core, fold, senses, settled
from activation.identifiers.headers import ONE_PER_PERSON, SINGLE, Meaning
from activation.identifiers.table import Digest, Field, FieldTable

# Whose columns are taken where the row has no other person: a file of one's buyers, or of one's attendees.
SUBJECTS = ("buyer", "attendee", "student", "recipient", "shipping")


class Why(StrEnum):
    """Why a column is proposed and not used."""

    AMBIGUOUS = "ambiguous"
    ANOTHER_PERSON = "another_person"


@dataclass(frozen=True)
class Use:
    """One column that fills a field: its index, and whether its name calls its values digests.

    `constant` is what fills every row instead of a column, "" for a column; the index is -1 then.
    """

    index: int
    hashed: bool = False
    constant: str = ""


@dataclass(frozen=True)
class Proposal:
    """A column that may be meant: its index, what it may mean, and why it is not used unasked."""

    index: int
    meaning: Meaning
    why: Why


@dataclass(frozen=True)
class Assignment:
    """`uses` are the columns of each field by wire key, in wire order, the preferred column first.

    The last may be the key of `country_of_row`, whose columns say how others are read.
    `others` are the indexes of columns that are somebody else's than the person's that the row is about.
    """

    uses: Mapping[str, tuple[Use, ...]]
    proposals: tuple[Proposal, ...] = ()
    others: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Told:
    """What a person said of columns, by index: the fields that one fills, in the order given; those to ignore.

    `constants` are by wire key.
    """

    fields: Mapping[int, tuple[Field, ...]] = field(default_factory=dict)
    ignored: Collection[int] = ()
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Named:
    """A column that its name says something of; `fields` are set where the name is the platform's own."""

    index: int
    sense: Sense | None
    fields: tuple[Field, ...] = ()
    hashed: bool = False

    @property
    def person(self) -> str:
        return self.sense.person if self.sense else ""

    def place(self, one: Field) -> int:
        """Return how well the column fits a field, 0 for best, -1 for not at all."""
        if self.fields:
            return 0 if one in self.fields else -1
        if self.sense is None or self.sense.meaning not in one.means:
            return -1
        return one.means.index(self.sense.meaning)


def assign(table: FieldTable, header: Sequence[str], told: Told | None = None) -> Assignment:
    """Assign columns to fields by what was told, then by their names.

    Nothing is taken from a name that can mean several things, unless the header's other columns settle which, nor
    from the columns of another person than the one that the row is about.
    """
    told = told or Told()
    free = [index for index in range(len(header)) if index not in told.fields and index not in told.ignored]
    around = _companions(header)
    numbers = _second_people(header, around)
    named, unsettled = [], []
    for index in free:
        found, own = (
            _whose(senses(header[index]), numbers),
            tuple(one for one in table.called(header[index]) if one.from_column),
        )
        one = settled(found, around)
        if own:
            named.append(_Named(index, None, own, any(sense.hashed for sense in found)))
        elif one is not None:
            named.append(_Named(index, one, hashed=one.hashed))
        elif found:
            unsettled.append(_Named(index, found[-1], hashed=found[-1].hashed))
    person = _person(table, named, told)
    ours = [one for one in named if one.person == person or _of_event(table, one)]
    uses = {one.key: columns for one in _fields(table) if (columns := tuple(_uses(one, ours, told)))}
    taken = {use.index for columns in uses.values() for use in columns}
    filled = {key for key, columns in uses.items() if columns[0].index >= 0}
    others = [one for one in named if one not in ours]
    others += [one for one in unsettled if one.person not in ("", person)]
    proposals = [
        *(_proposals(table, others, Why.ANOTHER_PERSON, frozenset())),
        *(_proposals(table, [one for one in unsettled if one.person in ("", person)], Why.AMBIGUOUS, filled)),
    ]
    return Assignment(
        uses,
        tuple(sorted((one for one in proposals if one.index not in taken), key=lambda one: one.index)),
        frozenset(one.index for one in others),
    )


def _second_people(header: Sequence[str], around: Collection[str]) -> frozenset[int]:
    """Return the numbers that stand on a name, a birthday or a gender: what else has one is that person's.

    A last name alone says it only where nobody has a first name: Spanish people have two last names.
    """
    found = [one for name in header if (one := settled(senses(name), around)) is not None]
    one_first_name = any(one.meaning in (Meaning.FIRST_NAME, Meaning.FULL_NAME) for one in found)
    told = (ONE_PER_PERSON - SINGLE) | {Meaning.FULL_NAME}
    if one_first_name:
        told -= {Meaning.LAST_NAME}
    return frozenset(one.number for one in found if one.number > 1 and one.meaning in told)


def _whose(found: tuple[Sense, ...], numbers: Collection[int]) -> tuple[Sense, ...]:
    """Return what a name can mean, as another person's where its number is one of theirs."""
    return tuple(
        replace(one, person=f"contact {one.number}") if one.number in numbers and not one.person else one
        for one in found
    )


def _fields(table: FieldTable) -> tuple[Field, ...]:
    """Return what columns can fill: the platform's fields, and the country of a row that is not sent."""
    return table.fields + country_of_row(table)


def _companions(header: Sequence[str]) -> frozenset[str]:
    """Return what can settle an ambiguous name: the header's names, and the meanings of those that are sure."""
    names = {fold(name) for name in header} | {core(name) for name in header}
    sure = {f"@{one.meaning}" for name in header for one in senses(name) if one.sure and not one.person}
    return frozenset(names | sure)


def _of_event(table: FieldTable, named: _Named) -> bool:
    """Return whether a column says something of the row's event, which is nobody's own: when a buyer ordered."""
    described = table.events.describes if table.events is not None else frozenset()
    return any(one.key in described and named.place(one) >= 0 for one in table.fields)


def _uses(one: Field, named: Sequence[_Named], told: Told) -> Iterator[Use]:
    """Yield the columns of a field in order of preference: as told, raw before hashed, then by their ranks."""
    found = [Use(index) for index, fields in told.fields.items() if one in fields]
    single = not SINGLE.isdisjoint(one.means)
    fits = [(fit, each) for each in named if (fit := each.place(one)) >= 0 and not _unusable(one, each)]
    sure = [(fit, each) for fit, each in fits if each.sense is None or each.sense.sure]
    fits.sort(
        key=lambda pair: (pair[1].hashed, pair[0], pair[1].sense.rank if pair[1].sense else 0, pair[1].index)
    )
    fits = [pair for pair in fits if pair in sure] or fits[:1]
    found += [Use(each.index, each.hashed) for _, each in fits]
    yield from found[:1] if single else found
    if one.key in told.constants:
        yield Use(-1, constant=told.constants[one.key])


def _unusable(one: Field, named: _Named) -> bool:
    """Return whether the name says digests where the field is sent as plaintext."""
    return named.hashed and one.digest is Digest.PLAIN


def _person(table: FieldTable, named: Sequence[_Named], told: Told) -> str:
    """Return whose columns are used: those of the row's own person, else of the one other who can be found."""

    def keys(person: str) -> set[str]:
        return {
            one.key
            for one in table.fields
            for each in named
            if each.person == person and each.place(one) >= 0 and not _unusable(one, each)
        }

    said = {one.key for fields in told.fields.values() for one in fields} | set(told.constants)
    if table.can_identify(keys("") | said):
        return ""
    people = dict.fromkeys(each.person for each in named)
    found = [one for one in people if one.partition(" ")[0] in SUBJECTS and table.can_identify(keys(one))]
    first = [one for one in found if one.partition(" ")[0] == "buyer"]
    if len(found) == 1 or len(first) == 1:
        return (first or found)[0]
    return ""


def _proposals(
    table: FieldTable, named: Sequence[_Named], why: Why, filled: Collection[str]
) -> Iterator[Proposal]:
    """Yield the columns that a field could be filled from, less the fields that have a column already."""
    for each in named:
        if each.sense is None or each.person in NOBODY or each.person.partition(" ")[0] in NOBODY:
            continue
        fields = [one for one in _fields(table) if each.place(one) >= 0 and not _unusable(one, each)]
        if fields and not all(one.key in filled for one in fields):
            yield Proposal(each.index, each.sense.meaning, why)
