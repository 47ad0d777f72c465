"""Columns to the JSON of server events, without a Python object per cell.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event
(read 2026-09-12)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from activation.identifiers.table import Digest

from lambdas.meta_conversions.event_fields import APP_DATA, BARE, CUSTOM_DATA, RULES, TOP_LEVEL
from lambdas.meta_conversions.fields import TABLE

ESCAPED = r'["\\\x00-\x1f]'
LDU, COUNTRY, STATE = (
    "data_processing_options",
    "data_processing_options_country",
    "data_processing_options_state",
)
NOT_ESCAPED = frozenset(one.key for one in TABLE.fields if one.digest is not Digest.PLAIN) | BARE
USER_DATA = tuple(one.key for one in TABLE.fields if one.key not in RULES.describes)


def events(columns: pa.RecordBatch) -> bytes:
    """Return the events of some lines, one object after the other; a null cell is left out of its event."""
    columns = _with_whole_options(columns)
    own = [*_members(columns, TOP_LEVEL), _object(columns, "user_data", USER_DATA, even_empty=True)]
    own += [_object(columns, name, keys) for name, keys in (("custom_data", CUSTOM_DATA), ("app_data", APP_DATA))]
    lines = _joined([one for one in own if one is not None])
    as_one_list = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
    return b"".join((b"{", pc.binary_join(as_one_list, "},{")[0].as_buffer(), b"}"))


def _with_whole_options(columns: pa.RecordBatch) -> pa.RecordBatch:
    """Return the columns with a country and a state wherever Limited Data Use is asked for, as Meta wants.

    0 leaves it to Meta to locate the person.
    """
    if LDU not in columns.schema.names:
        return columns
    by_name = dict(zip(columns.schema.names, columns.columns, strict=True))
    asked = pc.is_valid(by_name[LDU])
    for key in (COUNTRY, STATE):
        given = by_name.get(key, pa.nulls(len(columns), pa.string()))
        by_name[key] = pc.if_else(asked, pc.coalesce(given, pa.scalar("0")), given)
    return pa.record_batch(list(by_name.values()), names=list(by_name))


def _object(
    columns: pa.RecordBatch, name: str, keys: Iterable[str], *, even_empty: bool = False
) -> pa.Array | None:
    """Return an object as a member of each event, null where none of its cells is filled."""
    members = _members(columns, keys)
    if not members:
        return pa.repeat(pa.scalar(f'"{name}":{{}}'), len(columns)) if even_empty else None
    inside = _joined(members)
    if not even_empty:
        inside = pc.if_else(pc.equal(inside, ""), pa.scalar(None, pa.string()), inside)
    return pc.binary_join_element_wise(pa.scalar(f'"{name}":{{'), inside, pa.scalar("}"), "")


def _members(columns: pa.RecordBatch, keys: Iterable[str]) -> list[pa.Array]:
    """Return the filled cells of some columns as members of an object, null where a cell is."""
    return [
        _member(key, columns.column(key).cast(pa.string()))
        for key in keys
        if key in columns.schema.names and columns.column(key).null_count < len(columns)
    ]


def _member(key: str, cells: pa.Array) -> pa.Array:
    before, behind = f'"{key}":', ""
    if key == LDU:
        before, behind = f'{before}["', '"]'
    elif key not in BARE:
        before, behind = f'{before}"', '"'
    texts = cells if key in NOT_ESCAPED else _escaped(cells)
    return pc.binary_join_element_wise(pa.scalar(before), texts, pa.scalar(behind), "")


def _joined(members: Sequence[pa.Array]) -> pa.Array:
    return pc.binary_join_element_wise(*members, ",", null_handling="skip")


def _escaped(texts: pa.Array) -> pa.Array:
    """Return texts as they stand between a JSON string's quotation marks; non-ASCII letters stay, in UTF-8."""
    special = pc.fill_null(pc.match_substring_regex(texts, ESCAPED), fill_value=False)
    if not pc.any(special, min_count=0).as_py():
        return texts
    escaped = [json.dumps(text, ensure_ascii=False)[1:-1] for text in texts.filter(special).to_pylist()]
    return pc.replace_with_mask(texts, special, pa.array(escaped, pa.string()))
