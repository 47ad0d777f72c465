"""A mapping against an export's header: what every step does, or every mistake at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from activation.drops.chunk import DropReader
from activation.drops.columns import MappedColumns, map_columns
from activation.drops.date_orders import with_date_order
from activation.drops.reading import Reading
from activation.drops.row_filters import RowFilter, row_filters
from activation.errors import Rejected
from activation.identifiers.column_map import Entries, columns_called
from activation.identifiers.country_of_row import COUNTRY_OF_ROW
from activation.identifiers.table import Context, FieldTable
from activation.model import EVENTS, RAW, Action, Audience, Kind
from activation.platforms.discovery import fields_of
from activation.platforms.platform import Platform

from glue_scripts.normalize.errors import BadMapping
from glue_scripts.normalize.hashed_names import HashedNames, hashed_names
from glue_scripts.normalize.mapping import EVERY_ROW, AudienceMapping
from glue_scripts.normalize.mapping_checks import KINDS, table_of


@dataclass(frozen=True)
class Plan:
    """What is done with the rows of an export.

    `source` are the export's columns and `read` these with the derived ones. `people` are the columns that are
    left after grouping, from which fields are filled as `mapped` says; `output` are those that are written.
    `consent` takes rows out. `carried` are the indexes in `people` of the columns that raw output keeps, `told` is
    what the manifest has to say of the columns of hashed output.
    """

    mapping: AudienceMapping
    table: FieldTable
    kind: Kind
    context: Context
    source: tuple[str, ...]
    read: tuple[str, ...]
    people: tuple[str, ...]
    mapped: MappedColumns
    consent: tuple[RowFilter, ...]
    carried: tuple[int, ...]
    output: tuple[str, ...]
    told: Entries

    @property
    def makes_event_ids(self) -> bool:
        """Return whether events get their id here."""
        return bool(self.mapping.output.event_id)

    @property
    def rejected(self) -> str:
        """Return the name under which the last steps count what they reject: rows, or groups of them."""
        return "groups_rejected" if self.mapping.is_grouped else "rejected"

    def index(self, name: str) -> int:
        """Return the index of a column that rows have; the plan has made sure that there is one."""
        return columns_called(name, self.read)[0]


def plan_of(mapping: AudienceMapping, reader: DropReader) -> Plan:
    """Return the plan for an export; raises BadMapping with every column that is missing or has two meanings.

    Raises Rejected as a connector would: consent_missing, no_usable_column, required_column_missing, what the
    platform's publisher refuses for the audience or its fields, and so on.
    """
    table, kind = table_of(mapping), KINDS[mapping.output.identifiers]
    _check_format(mapping, reader)
    source = reader.header
    mistakes = _missing(mapping, source)
    if mistakes:
        raise BadMapping(mistakes)
    read = (*source, *(one.name for one in mapping.derived))
    people = (*mapping.group_by, *(one.name for one in mapping.aggregates)) if mapping.is_grouped else read
    if mapping.output.event_id and table.events is not None:
        people = (*people, table.events.id)
    reading = Reading(mapping.context, consent=mapping.consent)
    # Whoever said no is not to be removed by mistake either: the rule is asked whatever the action.
    consent = row_filters(reading, read, RAW, Action.ADD)
    ruled = {} if mapping.is_grouped else {index: one.setting for one in consent for index in one.indexes}
    # Cells are read raw whatever is written: what comes out hashed is hashed here.
    raw = EVENTS if table.events is not None else RAW
    mapped = _mapped(table, people, raw, mapping, ruled)
    _check_audience(mapping, mapped)
    context = mapping.context
    if not mapping.is_grouped:
        fields = [one for one in mapped.columns if one[0] < len(source)]
        context = with_date_order(reading, reader, fields, hashed=False).context
    carried = _carried(mapped)
    hashed = hashed_names(table, mapped) if kind.hashed else HashedNames(())
    names = hashed.names or _unique([people[index] for index in carried])
    names = (*names, *(name for name in mapping.consent.columns if name not in names))
    return Plan(
        mapping=mapping,
        table=table,
        kind=kind,
        context=context,
        source=source,
        read=read,
        people=people,
        mapped=mapped,
        consent=consent,
        carried=carried,
        output=names,
        told=hashed.told,
    )


def _mapped(
    table: FieldTable, people: tuple[str, ...], kind: Kind, mapping: AudienceMapping, ruled: dict[int, str]
) -> MappedColumns:
    try:
        return map_columns(table, people, kind, mapping.columns, ruled=ruled)
    except Rejected as error:
        if error.code == "bad_columns":
            raise BadMapping([f"columns: {error.sentence}"]) from None
        raise


def _check_audience(mapping: AudienceMapping, mapped: MappedColumns) -> None:
    """Raise Rejected for an audience or fields that the connector would refuse before its first request."""
    target = mapping.target
    platform = fields_of(target.platform)
    if isinstance(platform, Platform):
        audience = Audience(target.connector, target.audience, target.action)
        with closing(platform.rehearsal().open(audience, tuple(one.key for _, one in mapped.fields))) as opening:
            next(opening, None)


def _check_format(mapping: AudienceMapping, reader: DropReader) -> None:
    found, wanted = reader.format.partition("+")[0], mapping.input.format
    if wanted and found != wanted:
        raise Rejected(
            "input_format_differs", f"the export is {found}, and the mapping's input.format says {wanted}"
        )


def _missing(mapping: AudienceMapping, source: Sequence[str]) -> list[str]:
    """Return a mistake for every reference to a column that is not there, or that several are called."""
    mistakes: list[str] = []
    seen = list(source)

    def look(place: str, name: str) -> None:
        found = columns_called(name, seen)
        if not found:
            mistakes.append(f"{place}: the export has no column {name!r}")
        elif len(found) > 1:
            mistakes.append(f"{place}: {len(found)} columns of the export are called {name!r}")

    for one in mapping.derived:
        for name in one.of:
            look(f"derived.{one.name}", name)
        if columns_called(one.name, seen):
            mistakes.append(f"derived.{one.name}: the export has a column of this name")
        else:
            seen.append(one.name)
    for number, condition in enumerate(mapping.filters):
        look(f"filters[{number}]", condition.column)
    listed = {"consent.column": mapping.consent.columns, "group_by": mapping.group_by}
    if not mapping.is_grouped:
        listed["output.event_id"] = mapping.output.event_id
    for place, name in ((place, name) for place, names in listed.items() for name in names):
        look(place, name)
    for aggregate in mapping.aggregates:
        if aggregate.of != EVERY_ROW:
            look(f"aggregates.{aggregate.name}", aggregate.of)
    return mistakes


def _carried(mapped: MappedColumns) -> tuple[int, ...]:
    """Return the columns that raw output keeps: those that fill a field, or say how others are read."""
    countries = [use.index for use in mapped.several.get(COUNTRY_OF_ROW, ()) if use.index >= 0]
    return tuple(sorted({index for index, _ in mapped.columns} | set(countries)))


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return names that differ: a header may have one twice, and a Parquet file may not."""
    found: dict[str, None] = {}
    for name in names:
        own, number = name, 1
        while own in found:
            number += 1
            own = f"{name}_{number}"
        found[own] = None
    return tuple(found)
