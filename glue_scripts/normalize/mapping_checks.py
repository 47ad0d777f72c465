"""What has to hold between the parts of a mapping, whatever the export's header is."""

from __future__ import annotations

from collections.abc import Iterator

from activation.identifiers.column_map import check_entries, columns_called
from activation.identifiers.table import FieldTable
from activation.model import EVENTS, HASHED, RAW, Action
from activation.platforms.discovery import UnknownPlatform, fields_of
from activation.platforms.platform import Platform

from glue_scripts.normalize.mapping import AudienceMapping

KINDS = {one.declared: one for one in (RAW, HASHED, EVENTS)}


def mistakes_between(mapping: AudienceMapping) -> list[str]:
    """Return every mistake between the parts of a mapping, as far as these could be read."""
    return [*_of_target(mapping), *_of_groups(mapping), *_of_events(mapping)]


def table_of(mapping: AudienceMapping) -> FieldTable:
    """Return the fields of the target's platform; raises UnknownPlatform."""
    return fields_of(mapping.target.platform).table


def _of_target(mapping: AudienceMapping) -> Iterator[str]:
    if not mapping.target.platform:  # which is a mistake of its own
        return
    try:
        platform = fields_of(mapping.target.platform)
    except UnknownPlatform as error:
        yield f"target.platform: {error}"
        return
    table, is_events = platform.table, mapping.output.identifiers == EVENTS.declared
    if mapping.output.identifiers in KINDS and is_events != (table.events is not None):
        wanted = "events" if table.events is not None else "raw or hashed"
        yield f"output.identifiers: {mapping.target.platform} takes {wanted}"
    if isinstance(platform, Platform) and mapping.target.action not in platform.limits.actions:
        offered = ", ".join(one for one in Action if one in platform.limits.actions)
        yield f"target.action: {mapping.target.platform} offers {offered}"
    for told, _ in mapping.consent.tell:
        if told != platform.name:
            yield (
                f"consent.tell.{told}: must be left out: the people go to {mapping.target.platform}, and {told}"
                " would not be told"
            )
    for mistake in check_entries(table, mapping.entries):
        yield f"columns: {mistake}"


def _of_groups(mapping: AudienceMapping) -> Iterator[str]:
    if not mapping.is_grouped:
        for name, given in (("aggregates", mapping.aggregates), ("having", mapping.having)):
            if given:
                yield f"{name}: needs group_by"
        return
    made = {*mapping.group_by, *(one.name for one in mapping.aggregates)}
    seen = list(mapping.group_by)
    for one in mapping.aggregates:
        if columns_called(one.name, mapping.group_by):
            yield f"aggregates.{one.name}: is a column of group_by already"
        elif columns_called(one.name, seen):
            yield f"aggregates.{one.name}: is there twice"
        seen.append(one.name)
    for number, condition in enumerate(mapping.having):
        if condition.column not in made:
            yield f"having[{number}]: {condition.column!r} is neither in group_by nor in aggregates"
    for name in mapping.output.event_id:
        if name not in made:
            yield f"output.event_id: {name!r} is neither in group_by nor in aggregates"


def _of_events(mapping: AudienceMapping) -> Iterator[str]:
    given = mapping.output.event_id
    if mapping.output.identifiers != EVENTS.declared:
        if given:
            yield "output.event_id: is for events only"
        return
    if not mapping.is_grouped:
        return
    if not given:
        yield (
            "output.event_id: is missing: events made of several rows would count again with every export; "
            "name the columns that make one, such as the customer and the period"
        )
    elif missing := [name for name in mapping.group_by if name not in given]:
        yield f"output.event_id: lacks {', '.join(map(repr, missing))} of group_by: groups would share an id"
