"""Events of one drop that have the same id: found by digests, with all of a large drop's never held at once.

A platform counts an id once. Of two lines of one order it would count the value of one, so neither is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.refused import EVERY_ROW, Refused, halves, with_rows

ONCE = 0  # in the place of a row: no other event of the piece has the id
PIECES_AT_ONCE = 8
_RANGE = 2**64
_COUNTED_BITS = 10


def digests_of(names: pa.Array) -> pa.Table:
    """Return the digests of events, by their names with the key, as `event_rows.own_names` returns them."""
    return with_rows(halves(names), pa.repeat(pa.scalar(ONCE, pa.int64()), len(names)))


def piece_of(tables: Sequence[pa.Table]) -> Refused:
    """Return the ids of some events as a set that says which of them come twice among these."""
    return _counted(tables, _order)


def repeated(reads: Sequence[Callable[[], Refused]]) -> Refused:
    """Return the ids that come more than once in pieces, each read when it is needed."""
    passes = max(1, -(-len(reads) // PIECES_AT_ONCE))
    found = []
    for part in range(passes):
        low, high = part * _RANGE // passes, (part + 1) * _RANGE // passes - 1
        tables = (read().table for read in reads)
        # Pieces are sorted, and one sort puts them together in a third of the time that it takes in any order.
        some = _counted([_between(one, low, high) if passes > 1 else one for one in tables], pc.sort_indices)
        found.append(some.table.filter(pc.equal(some.table["row"], EVERY_ROW)))
    return Refused.of(found)


def _between(table: pa.Table, low: int, high: int) -> pa.Table:
    halves = table["high"]
    inside = pc.and_(
        pc.greater_equal(halves, pa.scalar(low, pa.uint64())), pc.less_equal(halves, pa.scalar(high, pa.uint64()))
    )
    return table.filter(inside)


def _counted(tables: Sequence[pa.Table], in_order: Callable[[pa.Array], pa.Array]) -> Refused:
    """Return digests once each, with EVERY_ROW in the place of the row where they came more than once.

    `in_order` returns what sorts their first halves.
    """
    columns = pa.concat_tables([Refused().table, *tables]).combine_chunks()
    if len(columns) < 2:
        return Refused(columns)
    high, low, row = (columns[name].chunk(0) for name in ("high", "low", "row"))
    order = in_order(high)
    if pc.any(_as_before(high.take(order))).as_py():  # two are hardly ever alike
        order = pc.sort_indices(columns, sort_keys=[("high", "ascending"), ("low", "ascending")])
    high, low, row = (one.take(order) for one in (high, low, row))
    again = pc.and_(_as_before(high), _as_before(low))
    if pc.any(again).as_py():
        no = pa.array([False])
        row = pc.if_else(pc.or_(pa.concat_arrays([no, again]), pa.concat_arrays([again, no])), EVERY_ROW, row)
        first = pc.invert(pa.concat_arrays([no, again]))
        high, low, row = high.filter(first), low.filter(first), row.filter(first)
    return Refused(pa.table([high, low, row], schema=columns.schema))


def _as_before(halves: pa.Array) -> pa.Array:
    """Mask the second and all later ones that equal the one before."""
    return pc.equal(halves[1:], halves[:-1])


def _order(halves: pa.Array) -> pa.Array:
    """Return what sorts digests by their first halves, in a third of the time of one sort.

    First by a few bits, which Arrow counts instead of comparing; what is left to the second sort is nearly sorted.
    """
    begins = pc.shift_right(halves, pa.scalar(64 - _COUNTED_BITS, pa.uint64())).cast(pa.uint16())
    order = pc.sort_indices(begins)
    return order.take(pc.sort_indices(halves.take(order)))
