"""What became of a candidate's source rows, of which one may have several lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.changes import NO_PLACES, Found
from activation.mirror.piece import open_keys
from activation.mirror.store import Pieces


@dataclass
class RowCounts:
    """Source rows: new ones, those that have changed, and those that are only sent again."""

    joined: int = 0
    changed: int = 0
    resent: int = 0


def places_of(found: Mapping[str, Sequence[pa.Array]], piece: str) -> pa.Array:
    """Return the places in a piece, ascending, each once."""
    places = pa.concat_arrays([NO_PLACES, *found.get(piece, ())]).unique()
    return places.take(pc.sort_indices(places))


def without(places: pa.Array, others: pa.Array) -> pa.Array:
    """Return the places that are not among others."""
    return places.filter(pc.invert(pc.is_in(places, others)))


def count_rows(
    pieces: Pieces,
    candidate: Iterable[str],
    new: Iterable[Found],
    sharing: Mapping[str, Sequence[pa.Array]],
    neighbours: Mapping[str, Sequence[pa.Array]],
) -> RowCounts:
    """Count source rows by their new lines, those that share an identifier with an unwanted line, neighbours."""
    counts = RowCounts()
    news = {one.piece: one.places for one in new}
    for piece in candidate:
        added, shared = news.get(piece, NO_PLACES), places_of(sharing, piece)
        again = without(places_of(neighbours, piece), added)
        if not len(added) and not len(again):
            continue
        keys = open_keys(pieces, piece)
        kept = pc.is_in(added, shared)
        if not keys.has_rows:
            changed = pc.sum(kept, min_count=0).as_py()
            counts.changed += changed
            counts.joined += len(added) - changed
            counts.resent += len(again)
            continue
        rows = keys.rows()
        of_new = rows.take(added).unique()
        known = pa.concat_arrays([rows.take(added.filter(kept)), _others(rows, added)])
        changed = pc.sum(pc.is_in(of_new, known), min_count=0).as_py()
        counts.changed += changed
        counts.joined += len(of_new) - changed
        counts.resent += len(without(rows.take(again).unique(), of_new))
    return counts


def _others(rows: pa.Array, added: pa.Array) -> pa.Array:
    """Return the source rows of the lines that are not new."""
    return rows.take(without(pa.arange(0, len(rows)).cast(pa.uint32()), added))
