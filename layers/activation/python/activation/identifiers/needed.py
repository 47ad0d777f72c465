"""What a row needs beside its own cells' rules: fields that count together, fields that are required."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.event_rows import USER_DATA
from activation.identifiers.table import Field, FieldTable

Columns = dict[str, pa.Array]


def identifies_alone(one: Field) -> bool:
    """Return whether a cell of the field is one person's by itself, unlike a name or a part of an address."""
    return one.identifies and not one.together


def causes(table: FieldTable) -> tuple[str, ...]:
    """Return the keys whose coded cell can be why a row is not sent, those that decide alone first.

    A required cell stops a row whatever else it holds; an identifier's cell does so only where no other names the
    person. Any other cell is left out of its row, and the row is sent without it.
    """
    if table.events is not None:
        asked = (*(one.keys[0] for one in table.events.needs), *sorted(table.events.exact))
        people = (one.key for one in table.fields if one.key not in table.events.describes)
        return tuple(dict.fromkeys((*asked, *people, USER_DATA)))
    required = (one.key for one in table.fields if one.required)
    alone = (one.key for one in table.fields if identifies_alone(one))
    in_sets = (one.key for one in table.fields if one.identifies)
    naming = (one.key for one in table.fields if any(one.key in keys for keys in table.naming))
    return tuple(dict.fromkeys((*required, *alone, *in_sets, *naming)))


def leave_out_incomplete(table: FieldTable, sent: Columns, codes: Columns) -> None:
    """Leave out cells that count only together with others of their row (an address's parts) where one is missing.

    `sent` and `codes` are the identified columns by wire key, all of one length; both are changed in place. A
    field of the set that no column fills is missing in every row.
    """
    for keys in table.together.values():
        here = [key for key in keys if key in sent]
        if not here:
            continue
        complete = pa.repeat(pa.scalar(len(here) == len(keys)), len(sent[here[0]]))
        for key in here:
            complete = pc.and_(complete, pc.is_valid(sent[key]))
        for key in here:
            missing = pc.and_not(pc.is_valid(sent[key]), complete)
            codes[key] = pc.if_else(missing, Code.INCOMPLETE_SET.value, codes[key].cast(pa.string()))
            sent[key] = pc.if_else(complete, sent[key], pa.scalar(None, pa.string()))


def has_needed(table: FieldTable, sent: Columns, codes: Columns) -> pa.Array:
    """Return a mask of the rows that can be sent: with every required field, and with one that names a person.

    A required cell that is blank gets a code of its own in `codes`.
    """
    count = len(next(iter(sent.values())))
    accepted = pa.repeat(pa.scalar(False), count)
    for key, column in sent.items():
        if table.field(key).identifies:
            accepted = pc.or_(accepted, pc.is_valid(column))
    for keys in table.naming:
        if keys <= sent.keys():
            whole = pa.repeat(pa.scalar(True), count)
            for key in keys:
                whole = pc.and_(whole, pc.is_valid(sent[key]))
            accepted = pc.or_(accepted, whole)
    for key in sent:
        if not table.field(key).required:
            continue
        filled = pc.is_valid(sent[key])
        if not pc.all(filled, min_count=0).as_py():
            code = codes[key].cast(pa.string())
            codes[key] = pc.if_else(filled, code, pc.fill_null(code, Code.REQUIRED_MISSING.value))
            accepted = pc.and_(accepted, filled)
    return accepted
