"""The columns of a drop against a platform's fields: which are used, for what, and which are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from activation.drops.c3r import encrypted, encrypted_by_name
from activation.drops.codes import refused
from activation.errors import Rejected
from activation.identifiers.assign import Assignment, Proposal, Told, Use, Why, assign
from activation.identifiers.column_map import Entries, told_of
from activation.identifiers.country_of_row import COUNTRY_OF_ROW, reads_by_country
from activation.identifiers.headers import ONE_PER_PERSON, Meaning
from activation.identifiers.showable import shown
from activation.identifiers.table import Field, FieldTable
from activation.model import Kind

# Columns that are named, unused and used ones: the ledger writes the names with every batch.
IGNORED_SHOWN = USED_SHOWN = 100


@dataclass(frozen=True)
class MappedColumns:
    """`fields` pairs the index of each field's first column with the field, -1 where a constant fills it.

    `used` and `ignored` are names, for people. `several` are, by wire key, all columns of the fields that have
    more than one or one that is read in a way of its own; under COUNTRY_OF_ROW are those that say how others are
    read. `proposed` maps the names of unused columns to what they
    may mean. `others` maps those that seem to be another person's likewise, and `others_at` are the indexes of all
    that are. `told_ignored` are the indexes of columns that people said to ignore,
    `said` those of all columns of which they said anything.
    """

    fields: Sequence[tuple[int, Field]]
    used: Mapping[str, str]
    ignored: Sequence[str]
    several: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    proposed: Mapping[str, str] = field(default_factory=dict)
    told_ignored: Collection[int] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    others_at: Collection[int] = ()
    said: Collection[int] = ()

    @property
    def columns(self) -> list[tuple[int, Field]]:
        """Return the index of every column of the file that is used, with each field that it fills."""
        return [
            (use.index, one)
            for index, one in self.fields
            for use in self.several.get(one.key, (Use(index),))
            if use.index >= 0
        ]


# Looks at a file's cells: the unused columns that seem to hold identifiers, by their shown names.
Looks = Callable[[MappedColumns], Mapping[str, str]]


def map_columns(
    table: FieldTable,
    header: Sequence[str],
    kind: Kind,
    own: Entries = (),
    nested: Sequence[str] = (),
    *,
    settings: Entries = (),
    looks: Looks | None = None,
    ruled: Mapping[int, str] | None = None,
) -> MappedColumns:
    """Map the columns, by what people said of them and by their names.

    `own` is said of this file's columns and `settings` of those of all the connector's files: see column_map.py.
    `nested` are the names of lists in the file, which are left out and named. `looks` is asked for what a refusal
    is to propose where the names of the columns say nothing. What was said of columns does not
    matter to a list without a header. `ruled` are columns by index that say which rows are sent, with the setting
    that says so: they fill no field unless people say so. Raises Rejected: bad_columns when the
    entries do not fit the header, c3r_encrypted, no_usable_column when the columns cannot name a person,
    required_column_missing, duplicate_header when two columns cannot be told apart.
    """
    if kind.single is not None:
        one = table.field(kind.single)
        return MappedColumns([(0, one)], {"column 1": one.key}, ())
    told = told_of(table, header, own, settings=settings, nested=nested)
    ruled = {index: setting for index, setting in (ruled or {}).items() if index not in told.fields}
    told = replace(told, ignored=frozenset(told.ignored) | frozenset(ruled))
    found = assign(table, header, told)
    _refuse_twins(table, header, found, told)
    uses = {key: _of_kind(of_key, kind) for key, of_key in found.uses.items()}
    by_country = not kind.hashed and any(reads_by_country(one) for one in table.fields if one.key in uses)
    if not by_country:  # digests are passed on whatever the country
        uses.pop(COUNTRY_OF_ROW, None)
    takes_countries = by_country or any(Meaning.COUNTRY in one.means for one in table.fields)
    proposals = [one for one in found.proposals if takes_countries or one.meaning is not Meaning.COUNTRY]
    proposed = _named(header, (one for one in proposals if one.why is Why.AMBIGUOUS))
    others = _named(header, (one for one in proposals if one.why is Why.ANOTHER_PERSON))
    if sealed := encrypted_by_name(table, header, uses, {*told.ignored, *told.fields, *ruled}):
        raise encrypted(shown_name(header[index], index) for index in sealed)
    if not table.can_identify(uses):
        unused = MappedColumns([], {}, (), told_ignored=told.ignored, others_at=found.others)
        held = looks(unused) if looks is not None else {}
        raise _unusable(table, {**_enough(table, header, uses, proposals), **held}, others)
    if missing := [one for one in table.fields if one.required and one.key not in uses]:
        raise _missing(table, missing, proposed)
    taken = {use.index for of_key in uses.values() for use in of_key} | set(ruled)
    ignored = [shown_name(name, index) for index, name in enumerate(header) if index not in taken]
    ignored += [f"{shown_name(name, len(header) + index)} (nested)" for index, name in enumerate(nested)]
    if (more := len(ignored) - IGNORED_SHOWN) > 0:
        ignored[IGNORED_SHOWN:] = [f"and {more} more"]
    return MappedColumns(
        fields=[(of_key[0].index, table.field(key)) for key, of_key in uses.items() if key != COUNTRY_OF_ROW],
        used=_used(header, uses, ruled),
        ignored=ignored,
        several={
            key: of_key
            for key, of_key in uses.items()
            if len(of_key) > 1 or key == COUNTRY_OF_ROW or of_key[0].constant or of_key[0].hashed
        },
        proposed=dict(list(proposed.items())[:IGNORED_SHOWN]),
        told_ignored=told.ignored,
        others=dict(list(others.items())[:IGNORED_SHOWN]),
        others_at=found.others,
        said=frozenset(told.ignored) | frozenset(told.fields),
    )


def shown_name(name: str, index: int) -> str:
    """Return a column's name as far as it cannot be anybody's data, else its number, from 1.

    A file without its header row has a person in its place.
    """
    return shown(name, f"column {index + 1}")


def _named(header: Sequence[str], proposals: Iterable[Proposal]) -> dict[str, str]:
    """Return what columns may mean, by the names that may be shown."""
    return {shown_name(header[one.index], one.index): one.meaning.value for one in proposals}


def _enough(
    table: FieldTable, header: Sequence[str], uses: Collection[str], proposals: Iterable[Proposal]
) -> dict[str, str]:
    """Return the proposals of which each alone makes the file usable: a city does not, whatever it is called."""

    def is_enough(one: Proposal) -> bool:
        return table.can_identify({*uses, *(of.key for of in table.fields if one.meaning in of.means)})

    return _named(header, (one for one in proposals if one.why is Why.AMBIGUOUS and is_enough(one)))


def _of_kind(uses: tuple[Use, ...], kind: Kind) -> tuple[Use, ...]:
    """Return the columns that are read: of a hashed drop, those whose names say digests, where there are any."""
    named = tuple(use for use in uses if use.hashed or use.constant)
    return named if kind.hashed and any(use.hashed for use in named) else uses


def _used(header: Sequence[str], uses: Mapping[str, tuple[Use, ...]], ruled: Mapping[int, str]) -> dict[str, str]:
    """Return the used columns' names with the fields they fill, in wire order, then those that say who is sent."""
    filled: dict[int, list[str]] = {}
    constants: dict[str, list[str]] = {}
    for key, of_key in uses.items():
        for use in of_key:
            if use.constant:
                constants.setdefault(f"constant {shown(use.constant, '')}".strip(), []).append(key)
            else:
                filled.setdefault(use.index, []).append(key)
    filled |= {index: [setting] for index, setting in ruled.items()}
    used: dict[str, str] = {}
    for index, keys in filled.items():
        name = shown_name(header[index], index)
        used[f"{name} ({index + 1})" if name in used else name] = ", ".join(keys)
    used |= {name: ", ".join(keys) for name, keys in constants.items()}
    if (more := len(used) - USED_SHOWN) > 0:
        rest = dict.fromkeys(list(used.values())[USED_SHOWN:])
        used = dict(list(used.items())[:USED_SHOWN]) | {f"and {more} more": ", ".join(rest)}
    return used


def _refuse_twins(table: FieldTable, header: Sequence[str], found: Assignment, told: Told) -> None:
    """Raise Rejected where a column fills a field of which a person has one, and another has the same name.

    Such columns are two people's, or two systems' ids, and nothing says which is whose.
    """
    names = [name.strip().casefold() for name in header]
    for key, uses in found.uses.items():
        if key == COUNTRY_OF_ROW or ONE_PER_PERSON.isdisjoint(table.field(key).means):
            continue
        for use in uses:
            if use.index < 0 or use.index in told.fields:
                continue
            alike = [index for index, name in enumerate(names) if name == names[use.index]]
            alike = [index for index in alike if index not in told.ignored and index not in told.fields]
            if len(alike) > 1:
                raise refused("duplicate_header", first=alike[0] + 1, second=alike[1] + 1)


def _missing(table: FieldTable, missing: Sequence[Field], proposed: Mapping[str, str]) -> Rejected:
    """Return the refusal, with what to write for each field: a column that may be meant, or one value."""
    says = []
    for one in missing:
        meant = [name for name, meaning in proposed.items() if meaning in one.means]
        said = [f'--map "{name}={one.key}"' for name in meant] or [f'--map "COLUMN={one.key}"']
        said += [f'--map "{one.key}={one.example}" where all rows have one'] if one.example else []
        says.append(" or ".join(said))
    keys = ", ".join(one.key for one in missing)
    return Rejected(
        "required_column_missing",
        f"{table.platform} wants {keys} in every row, and no column is recognised as that; say what each is: "
        f"{'; '.join(says)}",
    )


def _unusable(table: FieldTable, proposed: Mapping[str, str], others: Mapping[str, str]) -> Rejected:
    """Return the refusal; text to paste names no other person's columns, which could be two people's together."""
    wanted = ", ".join(one.key for one in table.fields if one.identifies and not one.together)
    hint = (
        'is the first line of the file its header? If so, say which column is which: --map "COLUMN=email", or '
        '"columns": {"COLUMN": "email"} in the connector\'s settings'
    )
    if proposed:
        maps = " ".join(f'--map "{name}={meaning}"' for name, meaning in proposed.items())
        hint = f"if these are meant, say so: {maps}"
        if any(
            re.fullmatch(r"column [0-9]+", name) for name in proposed
        ):  # where names hold what people's cells do
            hint = f"is the first line of the file its header? If so, and {hint}"
    elif others:
        hint = "if the rows are about one of these people, map that person's columns and no others"
    if others:
        hint = f"what seems to be another person's than the row's is not used: {', '.join(others)}; {hint}"
    return Rejected("no_usable_column", f"no column of the header row is one of {wanted}{_sets(table)}; {hint}")


def _sets(table: FieldTable) -> str:
    """Return the end of a sentence that says which fields name a person together, "" where none do."""
    of_sets = (set(keys) for keys in table.together.values() if any(table.field(key).identifies for key in keys))
    sets = [[one.key for one in table.fields if one.key in keys] for keys in (*table.naming, *of_sets)]
    spoken = ", or of ".join(f"{', '.join(keys[:-1])} and {keys[-1]}" for keys in sets)
    return f", nor are there columns for all of {spoken}" if sets else ""
