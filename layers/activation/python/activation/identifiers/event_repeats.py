"""Events of one drop that have the same id: found by digests, with all of a large drop's never held at once.

A platform counts an id once. Of two lines of one order it would count the value of one, so neither is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.refused import EVERY_ROW, Refused, keyed, with_rows

ONCE = 0  # in the place of a row: no other event of the piece has the id
PIECES_AT_ONCE = 8
_RANGE = 2**64


def digests_of(key: str, names: pa.Array, ids: pa.Array) -> pa.Table:
    """Return the keyed digests of events, null where one has no name or no id of its own."""
    texts = pc.binary_join_element_wise(names.cast(pa.string()), ids.cast(pa.string()), "\n")
    return with_rows(keyed(key, texts), pa.repeat(pa.scalar(ONCE, pa.int64()), len(texts)))


def piece_of(tables: Sequence[pa.Table]) -> Refused:
    """Return the ids of some events as a set that says which of them come twice among these."""
    return _counted(tables)


def repeated(reads: Sequence[Callable[[], Refused]]) -> Refused:
    """Return the ids that come more than once in pieces, each read when it is needed."""
    passes = max(1, -(-len(reads) // PIECES_AT_ONCE))
    found = []
    for part in range(passes):
        low, high = part * _RANGE // passes, (part + 1) * _RANGE // passes - 1
        some = _counted([_between(read().table, low, high) for read in reads])
        found.append(some.table.filter(pc.equal(some.table["row"], EVERY_ROW)))
    return Refused.of(found)


def _between(table: pa.Table, low: int, high: int) -> pa.Table:
    halves = table["high"]
    inside = pc.and_(
        pc.greater_equal(halves, pa.scalar(low, pa.uint64())), pc.less_equal(halves, pa.scalar(high, pa.uint64()))
    )
    return table.filter(inside)


def _counted(tables: Sequence[pa.Table]) -> Refused:
    """Return digests once each, with EVERY_ROW in the place of the row where they came more than once."""
    if not tables:
        return Refused()
    columns = pa.concat_tables(tables).combine_chunks()
    if len(columns) > 1:
        columns = columns.take(pc.sort_indices(columns, sort_keys=[("high", "ascending"), ("low", "ascending")]))
        columns = columns.combine_chunks()
        high, low = columns["high"].chunk(0), columns["low"].chunk(0)
        same = pc.and_(pc.equal(high[1:], high[:-1]), pc.equal(low[1:], low[:-1]))
        no = pa.array([False])
        twice = pc.or_(pa.concat_arrays([no, same]), pa.concat_arrays([same, no]))
        rows = pc.if_else(twice, pa.scalar(EVERY_ROW, pa.int64()), columns["row"].combine_chunks())
        columns = columns.set_column(2, "row", rows)
    return Refused.of([columns])
