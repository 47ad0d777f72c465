"""The difference between a new list and what an audience may hold, and what of it is sent.

A line that is no longer wanted is not removed as it was sent. A platform takes out everybody whom a removed
identifier matches, and somebody who shares a phone, or has changed one of several identifiers, is still wanted. So

- of a line to remove, only the identifiers are sent that no wanted line has;
- removes come before adds;
- wanted lines that share an identifier with a removed line are sent again after that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.buffers import from_mimalloc
from activation.errors import Rejected
from activation.mirror.changes import NO_KEYS, NO_PLACES, Found, changes
from activation.mirror.counting import count_rows, places_of, without
from activation.mirror.delta import Part, PartWriter, as_texts
from activation.mirror.lines import line_keys
from activation.mirror.lines_at import KEY, lines_at
from activation.mirror.removing import Removal, remove
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import MirrorState
from activation.mirror.store import Pieces

LINES_IN_MEMORY = 600_000
KEYS_AT_ONCE = 8_192


@dataclass(frozen=True)
class Difference:
    """How a candidate differs from what is known (a record).

    Each source row of the candidate is one of four: `unchanged` (nothing of it is sent), `joined` (somebody new),
    `changed` (has a new line, and another line or an identifier that was there before), or `resent` (was there,
    and is sent again as a neighbour of a removed line). Without cells, as for a replace, `resent` is 0 and a row
    counts as `changed` only if another line of it was there before.

    Of the lines that may be in the audience and are no longer wanted, `left` have no identifier that anybody
    wanted has, and `held` have none but such: there is nothing to remove them by, and no request. The others are
    removed in part. `known` is how many lines may be in the audience. Without cells `left` are all of them.

    `removes` and `adds` are what is to be sent, None for nothing, and always None without cells. `reason` names
    what else changed: "first" (nothing was known), "columns_changed", "table_changed", or "".
    """

    unchanged: int
    joined: int
    changed: int
    resent: int
    left: int
    held: int
    known: int
    removes: Part | None = None
    adds: Part | None = None
    reason: str = ""

    @property
    def rows(self) -> int:
        """Return how many source rows the candidate has."""
        return self.unchanged + self.joined + self.changed + self.resent

    @property
    def removed(self) -> int:
        """Return how many lines somebody is removed by."""
        return self.removes.lines if self.removes else self.left

    @property
    def is_nothing(self) -> bool:
        """Return whether there is nothing to send."""
        return self.removes is None and self.adds is None


def compare(
    candidate: Snapshot,
    known: MirrorState,
    pieces: Pieces,
    alone: Collection[str],
    prefix: str,
    *,
    most_lines_in_memory: int = LINES_IN_MEMORY,
) -> Difference:
    """Compare a candidate with what is known, and write what is to be sent.

    `alone` are the wire keys that identify a person by themselves. The files' names begin with `prefix`; with the
    same arguments they have the same content, so a comparison that was interrupted is begun again. The cells of
    about half of `most_lines_in_memory` lines are held at a time, and 12 bytes of each line that is new or no
    longer wanted.

    Raises Rejected with state_lost where pieces are gone, damaged or not those of the snapshot, and with
    cells_not_kept where the candidate has cells and what is known has none.
    """
    reason = _reason(candidate, known)
    if _is_same(candidate, known):
        return Difference(candidate.rows, 0, 0, 0, 0, 0, candidate.lines, reason=reason)
    if known.snapshot is None and not known.pending:
        adds = Part(candidate.pieces, candidate.columns, candidate.lines)
        writes = candidate.cells and candidate.lines
        return Difference(0, candidate.rows, 0, 0, 0, 0, 0, adds=adds if writes else None, reason=reason)
    if candidate.cells and not all(one.cells for one in _snapshots(known)):
        raise Rejected(
            "cells_not_kept",
            "what the audience was sent is known by its keys alone, since it was replaced as a whole: nobody can"
            " be removed by a difference",
        )
    with from_mimalloc():
        return _compare(
            candidate, known, pieces, alone=alone, prefix=prefix, most_lines=most_lines_in_memory, reason=reason
        )


def _compare(
    candidate: Snapshot,
    known: MirrorState,
    pieces: Pieces,
    *,
    alone: Collection[str],
    prefix: str,
    most_lines: int,
    reason: str,
) -> Difference:
    found = changes(pieces, candidate, known, KEYS_AT_ONCE)
    removal, removes = Removal(left=sum(len(one.places) for one in found.unwanted)), None
    if candidate.cells:
        writer = PartWriter(pieces, f"{prefix}removes/")
        at_most = max(1, most_lines // 2)
        removal = remove(pieces, found.unwanted, candidate.pieces, alone, writer, at_most=at_most)
        removes = writer.close(_columns(known))
    counts = count_rows(pieces, candidate.pieces, found.new, removal.sharing, removal.neighbours)
    return Difference(
        unchanged=candidate.rows - counts.joined - counts.changed - counts.resent,
        joined=counts.joined,
        changed=counts.changed,
        resent=counts.resent,
        left=removal.left,
        held=removal.held,
        known=found.known,
        removes=removes,
        adds=_write_adds(pieces, candidate, found.new, removal, prefix) if candidate.cells else None,
        reason=reason,
    )


def _is_same(candidate: Snapshot, known: MirrorState) -> bool:
    """Return whether all lines are those of the snapshot and surely in the audience, without reading any."""
    if known.pending or known.snapshot is None or candidate.cells != known.snapshot.cells:
        return False
    return (candidate.digest, candidate.rows) == (known.snapshot.digest, known.snapshot.rows)


def _snapshots(known: MirrorState) -> list[Snapshot]:
    found = [known.snapshot, *(delta.replaced_by for delta in known.pending)]
    return [one for one in found if one is not None]


def _columns(known: MirrorState) -> list[str]:
    """Return the wire keys of all lines that may be in the audience, in order."""
    parts = [part for delta in known.pending for part in (delta.adds, delta.replaced_by) if part is not None]
    return [*dict.fromkeys((*known.columns, *(name for part in parts for name in part.columns)))]


def _reason(candidate: Snapshot, known: MirrorState) -> str:
    if known.snapshot is None:
        return "first"
    if {*candidate.columns} != {*known.columns}:
        return "columns_changed"
    return "table_changed" if candidate.table_version != known.table_version else ""


def _write_adds(
    pieces: Pieces, candidate: Snapshot, new: Sequence[Found], removal: Removal, prefix: str
) -> Part | None:
    """Write the new lines, and after them the neighbours of removed ones."""
    first, then = PartWriter(pieces, f"{prefix}adds/"), PartWriter(pieces, f"{prefix}neighbours/")
    by_piece = {one.piece: one for one in new}
    for piece in candidate.pieces:
        mine = by_piece.get(piece, Found(piece, NO_PLACES, NO_KEYS))
        near = without(places_of(removal.neighbours, piece), mine.places)
        for _, lines in lines_at(pieces, _together(mine, near)):
            again = lines[KEY].is_null()
            cells = pa.Table.from_batches([lines.drop_columns([KEY])])
            first.write(lines[KEY].drop_null(), cells.filter(pc.invert(again)))
            resent = cells.filter(again)
            then.write(line_keys(as_texts(resent, candidate.columns)), resent)
    parts = [part for part in (first.close(candidate.columns), then.close(candidate.columns)) if part is not None]
    if not parts:
        return None
    names = tuple(name for part in parts for name in part.pieces)
    return Part(names, candidate.columns, sum(part.lines for part in parts), neighbours=then.lines)


def _together(new: Found, near: pa.Array) -> Found:
    """Return lines at the places of both, those at `near` without keys."""
    if not len(near):
        return new
    places = pa.concat_arrays([new.places, near])
    order = pc.sort_indices(places)
    keys = pa.concat_arrays([new.keys, pa.nulls(len(near), pa.uint64())])
    return Found(new.piece, places.take(order), keys.take(order))
