"""Events row by row, a column at a time: what each lacks, the id under which it counts once, and its age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.constant import distinct, is_constant
from activation.identifiers.digest import digests
from activation.identifiers.event_rules import EventRules, Need
from activation.identifiers.table import Digest

Columns = dict[str, pa.Array]
LISTED = ","  # between the values of a cell that has several, all of them digests
USER_DATA = "user_data"  # what the rejects call all that a row says of its person
_NONE = pa.scalar(None, pa.string())


def accept_events(rules: EventRules, sent: Columns, codes: Columns) -> pa.Array:
    """Return a mask of the events that can be sent, and write into `codes` why the others are not.

    `sent` and `codes` are the identified columns by wire key, all of one length. An event that says nothing of
    its person at all gets no code.
    """
    count = len(next(iter(sent.values())))
    accepted = pa.repeat(pa.scalar(True), count)
    kinds: Columns = {}
    for need in rules.needs:
        if not _can_lack(need, sent, kinds):
            continue
        lacks = _lacks(need, sent, count)
        if not pc.any(lacks, min_count=0).as_py():
            continue
        key = need.keys[0]
        code = codes[key].cast(pa.string()) if key in codes else pa.nulls(count, pa.string())
        codes[key] = pc.if_else(lacks, pc.fill_null(code, need.code.value), code)
        accepted = pc.and_not(accepted, lacks)
    for key in rules.exact & codes.keys():
        if codes[key].null_count < count:
            accepted = pc.and_(accepted, pc.is_null(codes[key]))
    return pc.and_(accepted, _names_person(rules, sent, codes, count))


def _can_lack(need: Need, sent: Columns, kinds: Columns) -> bool:
    """Return whether a row can lack something, by what is the same for the whole column.

    `kinds` keeps, for the next need, each value once that is in a column of which some values need more.
    """
    if (need.of and need.of not in sent) or any(key in sent and not sent[key].null_count for key in need.keys):
        return False
    if not need.values:
        return True
    if need.of not in kinds:
        kinds[need.of] = distinct(sent[need.of])
    asked = pc.is_in(kinds[need.of], value_set=pa.array(need.values, pa.string()))
    return bool(pc.any(asked, min_count=0).as_py())


def _lacks(need: Need, sent: Columns, count: int) -> pa.Array:
    """Mask the rows that need something and do not have it."""
    lacks = pa.repeat(pa.scalar(True), count)
    for key in need.keys:
        if key in sent:
            lacks = pc.and_not(lacks, pc.is_valid(sent[key]))
    if need.values:
        asked = pc.is_in(sent[need.of], value_set=pa.array(need.values, pa.string()))
        lacks = pc.and_(lacks, asked)
    elif need.of:
        lacks = pc.and_(lacks, pc.is_valid(sent[need.of]))
    return lacks


def _names_person(rules: EventRules, sent: Columns, codes: Columns, count: int) -> pa.Array:
    """Mask the rows that say enough of their person."""
    people = [key for key in sent if key not in rules.describes]
    known = _any_of(people, sent, count)
    enough = known
    for broad in rules.broad:
        enough = pc.and_(enough, _any_of([key for key in people if key not in broad], sent, count))
    too_broad = pc.and_not(known, enough)
    if pc.any(too_broad, min_count=0).as_py():
        codes[USER_DATA] = pc.if_else(too_broad, Code.USER_DATA_TOO_BROAD.value, _NONE)
    return enough


def _any_of(keys: list[str], sent: Columns, count: int) -> pa.Array:
    if any(not sent[key].null_count for key in keys):
        return pa.repeat(pa.scalar(True), count)
    found = pa.repeat(pa.scalar(False), count)
    for key in keys:
        found = pc.or_(found, pc.is_valid(sent[key]))
    return found


def own_names(rules: EventRules, sent: Mapping[str, pa.Array], count: int, key: str) -> pa.Array:
    """Return a text for each event that is the same for those of one id: `key`, its name, its id or its order's.

    Null where it has neither of these. Of `sent`, only the events' own cells are looked at.
    """
    by_id = _named(rules.id, "\n", rules, sent, count, before=key)
    if not by_id.null_count:
        return by_id
    by_order = _named(rules.order, "\n\n", rules, sent, count, before=key)
    return by_order if by_id.null_count == count else pc.coalesce(by_id, by_order)


def without(names: pa.Array, need: Need, kinds: pa.Array | None, empty: pa.Array | None) -> pa.Array:
    """Return the texts of `own_names` without those of rows that lack what their `kinds` need.

    `empty` masks the rows that have nothing there, None where every row has something.
    """
    if empty is None or kinds is None:
        return names
    lacks = pc.and_(empty, pc.is_in(kinds, value_set=pa.array(need.values, pa.string())))
    return pc.if_else(lacks, _NONE, names)


def _named(
    wire_key: str, separator: str, rules: EventRules, sent: Mapping[str, pa.Array], count: int, *, before: str = ""
) -> pa.Array:
    """Return `before` with the events' names and their cells under a wire key, null where either is missing."""
    if wire_key not in sent or rules.name not in sent:
        return pa.nulls(count, pa.string())
    names, cells = (sent[each].cast(pa.string()) for each in (rules.name, wire_key))
    if is_constant(names):
        parts = [pa.scalar(f"{before}{names[0].as_py()}{separator}"), cells]
    else:
        parts = [*([pa.scalar(before)] if before else []), names, pa.scalar(separator), cells]
    return pc.binary_join_element_wise(*parts, "")


def _own_ids(rules: EventRules, sent: Mapping[str, pa.Array], count: int) -> pa.Array:
    """Return the id that each event has of itself: its own, else one made of its name and its order's id.

    Null where it has neither. A name is part of it because some platforms count an id once, whatever the event's
    name; the time is not, since exports rewrite it.
    """
    ids = sent.get(rules.id, pa.nulls(count, pa.string())).cast(pa.string())
    if rules.order not in sent or not ids.null_count:
        return ids
    made = digests(Digest.SHA256_HEX, _named(rules.order, "\n", rules, sent, count))
    return made if ids.null_count == count else pc.coalesce(ids, made)


def with_ids(rules: EventRules, drop_id: str, sent: Columns, rows: pa.Array) -> pa.Array:
    """Set the id of every event in `sent`; return a mask of those whose id derives from the drop and the row.

    `drop_id` names the drop, the same however often it is sent, and `rows` are its rows' numbers.
    """
    ids = _own_ids(rules, sent, len(rows)) if rules.name in sent else pa.nulls(len(rows), pa.string())
    by_row = pc.is_null(ids)
    sent[rules.id] = pc.coalesce(ids, _row_ids(drop_id, rows)) if ids.null_count else ids
    return by_row


def _row_ids(drop_id: str, rows: pa.Array) -> pa.Array:
    texts = pc.binary_join_element_wise(pa.scalar(drop_id), rows.cast(pa.string()), "\n")
    return digests(Digest.SHA256_HEX, texts)


def with_further(sent: Columns, further: Mapping[str, Sequence[pa.Array]]) -> Columns:
    """Return the columns with a person's second and third values appended to the first, LISTED between them.

    An event is one line whatever is known of its person: a line for each address would be an event for each.
    """
    joined = dict(sent)
    for key, values in further.items():
        for each in values:
            more = pc.binary_join_element_wise(joined[key].cast(pa.string()), each, LISTED)
            joined[key] = pc.coalesce(more, joined[key])
    return joined


def untimely(rules: EventRules, columns: pa.Table, now: float) -> dict[int, str]:
    """Return the lines whose events cannot be sent at `now` (Unix seconds), with the code for each."""
    times = columns[rules.time].cast(pa.string()).cast(pa.int64())
    bounds = pc.min_max(times).as_py()
    shortest_s = min((rules.longest_s, *rules.longest_of.values()))
    if bounds["min"] is None or (now - bounds["min"] <= shortest_s and bounds["max"] <= now):
        return {}
    age = pc.subtract(pa.scalar(int(now), pa.int64()), times)
    oldest = pa.repeat(pa.scalar(rules.longest_s), len(age))
    for source, longest_s in rules.longest_of.items():
        of_source = pc.equal(columns[rules.source].cast(pa.string()), source)
        oldest = pc.if_else(of_source, longest_s, oldest)
    age = age.combine_chunks() if isinstance(age, pa.ChunkedArray) else age
    old, early = pc.greater(age, oldest), pc.less(age, 0)
    found = dict.fromkeys(pc.indices_nonzero(old).to_pylist(), Code.TOO_OLD_FOR_PLATFORM.value)
    return found | dict.fromkeys(pc.indices_nonzero(early).to_pylist(), Code.EVENT_IN_FUTURE.value)
