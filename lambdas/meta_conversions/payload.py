"""Columns to the JSON of server events, without a Python object per cell.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event
(read 2026-09-12)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from activation.identifiers.constant import is_constant
from activation.identifiers.event_rows import LISTED
from activation.identifiers.table import Digest
from activation.identifiers.widths import texts_of
from stringzilla import find_first_of

from lambdas.meta_conversions.event_fields import APP_DATA, BARE, CUSTOM_DATA, RULES, TOP_LEVEL
from lambdas.meta_conversions.fields import TABLE
from lambdas.meta_graph.json_texts import escaped

LDU, COUNTRY, STATE = (
    "data_processing_options",
    "data_processing_options_country",
    "data_processing_options_state",
)
# Digests, numbers, and words out of our own tables.
NOT_ESCAPED = (
    frozenset(one.key for one in TABLE.fields if one.digest is not Digest.PLAIN)
    | BARE
    | {"event_name", "action_source", "currency", "messaging_channel", "content_type", "delivery_category"}
)
# Of these a person may have several, which are sent as a list.
SEVERAL = frozenset(one.key for one in TABLE.fields if one.further)
# What is the same in many a request: it is written as a part of the texts around it.
OFTEN_ALIKE = frozenset(("event_name", "action_source", "currency"))
USER_DATA = tuple(one.key for one in TABLE.fields if one.key not in RULES.describes)


Columns: TypeAlias = Mapping[str, pa.Array]  # those of which some cell is filled, by wire key
Piece: TypeAlias = pa.Array | str  # a column of texts, or a text that every line has


def events(columns: pa.RecordBatch) -> memoryview | bytes:
    """Return the events of some lines, one object after the other; a null cell is left out of its event.

    All of a line is joined at once, and the column of all lines is the body, without a copy.
    """
    named = zip(columns.schema.names, columns.columns, strict=True)
    filled = {name: column for name, column in named if column.null_count < len(column)}
    if LDU in filled:
        filled |= _whole_options(filled)
    own = [key for key in TOP_LEVEL if key in filled]
    pieces = ["{", *_members(filled, own), *_object(filled, "user_data", USER_DATA, first=not own)]
    for name, keys in (("custom_data", CUSTOM_DATA), ("app_data", APP_DATA)):
        if not filled.keys().isdisjoint(keys):
            pieces += _object(filled, name, keys)
    joined = [_scalar(one) if isinstance(one, str) else one for one in _merged([*pieces, "},"])]
    lines = pc.binary_join_element_wise(*joined, "", null_handling="replace", null_replacement="")
    if isinstance(lines, pa.Scalar):  # all lines are alike
        return ",".join([lines.as_py()[:-1]] * len(columns)).encode()
    return texts_of(lines)[:-1]


def _whole_options(columns: Columns) -> Columns:
    """Return a country and a state wherever Limited Data Use is asked for, as Meta wants.

    0 leaves it to Meta to locate the person.
    """
    asked = pc.is_valid(columns[LDU])
    none = pa.nulls(len(asked), pa.string())
    given = {key: columns.get(key, none).cast(pa.string()) for key in (COUNTRY, STATE)}
    return {key: pc.if_else(asked, pc.coalesce(cells, "0"), cells) for key, cells in given.items()}


def _object(columns: Columns, name: str, keys: Sequence[str], *, first: bool = False) -> Iterator[Piece]:
    """Yield an object as a member of each event; only user_data is there although none of its cells is filled."""
    before = f'{"" if first else ","}"{name}":{{'
    filled = [key for key in keys if key in columns]
    whole = [key for key in filled if not columns[key].null_count]
    if whole or not filled:
        yield before
        yield from _members(columns, [*whole, *(key for key in filled if key not in whole)])
        yield "}"
        return
    # Not by null_handling="skip", which leaves out the rows of which all cells are null (Arrow 26.0.1).
    members = [pc.fill_null(_joined(_member(key, columns[key], ",")), "") for key in filled]
    inside = pc.ascii_ltrim(_joined(members), ",")
    if name != "user_data":
        inside = pc.if_else(pc.equal(inside, ""), pa.scalar(None, pa.string()), inside)
    yield _joined((before, inside, "}"))


def _members(columns: Columns, keys: Sequence[str]) -> Iterator[Piece]:
    """Yield the filled cells of some columns as members of an object; the first column has no null cell."""
    for place, key in enumerate(keys):
        cells = columns[key]
        member = _member(key, cells, "," if place else "")
        if cells.null_count:
            yield _joined(member)  # null where its cell is, and nothing in the event
        else:
            yield from member


def _member(key: str, cells: pa.Array, comma: str) -> tuple[str, Piece, str]:
    """Return a member of an object: its name, its values, and what ends it."""
    before, behind = f'{comma}"{key}":', ""
    if key == LDU:
        before, behind = f'{before}["', '"]'
    elif key not in BARE:
        before, behind = f'{before}"', '"'
    texts = cells.cast(pa.string()) if cells.type != pa.string() else cells
    if key in OFTEN_ALIKE and is_constant(texts):
        return before, texts[0].as_py(), behind
    if key in SEVERAL and find_first_of(texts_of(texts), LISTED.encode()) >= 0:
        return before[:-1], _in_lists(texts), ""
    return before, texts if key in NOT_ESCAPED else escaped(texts), behind


def _in_lists(texts: pa.Array) -> pa.Array:
    """Return digests between quotation marks, and where a cell has several, as a list of them."""
    between = pc.replace_substring(texts, LISTED, f'"{LISTED}"')
    several = pc.match_substring(texts, LISTED)
    one, more = (pc.binary_join_element_wise(begin, between, end, "") for begin, end in (('"', '"'), ('["', '"]')))
    return pc.if_else(several, more, one)


def _joined(member: Iterable[Piece]) -> pa.Array:
    pieces = [_scalar(one) if isinstance(one, str) else one for one in member]
    return pc.binary_join_element_wise(*pieces, "")


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with neighbouring texts as one: each piece costs a copy of its own."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


@lru_cache(maxsize=256)
def _scalar(text: str) -> pa.Scalar:
    return pa.scalar(text)
