"""A state without some people: no row of its snapshot or of a pending delta holds an identifier of theirs.

Of a snapshot without cells only keys of whole lines are kept, which tell nothing of an identifier: it stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.delta import Delta, Part, PartWriter, as_texts, read_part
from activation.mirror.lines import ROW, line_keys
from activation.mirror.piece import open_cells
from activation.mirror.snapshot import PIECE_LINES, Snapshot, SnapshotWriter
from activation.mirror.state import MirrorState
from activation.mirror.store import Pieces

Cells = Mapping[str, pa.Array]  # texts by wire key


def cells_of(pieces: Pieces, lines: Part, alone: Collection[str]) -> Cells:
    """Return the cells of a part's lines in the columns that match a person alone: `alone` are their wire keys."""
    tables = [*read_part(pieces, lines)]
    found = {}
    for name in lines.columns:
        if name in alone:
            column = pa.concat_tables(tables)[name].combine_chunks()
            found[name] = pc.unique(column.drop_null())
    return found


@dataclass(frozen=True)
class Eraser:
    """Writes what is left of a state's pieces; names begin with `prefix`, which no other run uses."""

    pieces: Pieces
    prefix: str
    cells: Cells

    def erase(self, state: MirrorState, run_id: str) -> MirrorState:
        """Return the state without the people; the delta of `run_id`, which has removed them, is done.

        Raises Rejected with state_lost where a file of the state is gone or damaged.
        """
        deltas = [one for one in state.pending if one.run_id != run_id]
        pending = tuple(self._delta(one, f"{self.prefix}{at:05d}-") for at, one in enumerate(deltas))
        snapshot = state.snapshot
        if snapshot is not None and snapshot.cells:
            snapshot = self._snapshot(snapshot)
        return replace(state, snapshot=snapshot, pending=pending)

    def _delta(self, delta: Delta, prefix: str) -> Delta:
        return replace(
            delta,
            removes=self._part(delta.removes, f"{prefix}removes-"),
            adds=self._part(delta.adds, f"{prefix}adds-"),
        )

    def _part(self, part: Part | None, prefix: str) -> Part | None:
        """Return a part without the lines of the people; the last of those to add may be neighbours."""
        if part is None:
            return None
        writer, neighbours, at = PartWriter(self.pieces, prefix), 0, 0
        rows = pc.unique(
            pa.concat_arrays([pa.array([], pa.int64()), *map(self._rows, read_part(self.pieces, part))])
        )
        if not len(rows):
            return part
        for lines in read_part(self.pieces, part):
            stays = pc.invert(pc.is_in(lines[ROW], rows))
            places = pa.arange(at, at + len(lines))
            is_neighbour = pc.greater_equal(places, part.lines - part.neighbours)
            neighbours += pc.sum(pc.and_(stays, is_neighbour), min_count=0).as_py()
            at += len(lines)
            kept = lines.filter(stays)
            writer.write(line_keys(kept), kept)
        left = writer.close(part.columns)
        return replace(left, neighbours=neighbours) if left else None

    def _snapshot(self, snapshot: Snapshot) -> Snapshot:
        rows = pc.unique(
            pa.concat_arrays(
                [
                    pa.array([], pa.int64()),
                    *(self._rows(lines) for name in snapshot.pieces for lines in self._lines(snapshot, name)),
                ]
            )
        )
        if not len(rows):
            return snapshot
        writer = SnapshotWriter(
            self.pieces,
            self.prefix,
            snapshot.columns,
            table_version=snapshot.table_version,
            piece_lines=2 * PIECE_LINES,  # a piece ends where the one before it did
        )
        for name in snapshot.pieces:
            for lines in self._lines(snapshot, name):
                writer.write(lines.filter(pc.invert(pc.is_in(lines[ROW], rows))))
            writer.cut()
        return replace(writer.close(), rows=snapshot.rows - len(rows))

    def _lines(self, snapshot: Snapshot, name: str) -> Iterator[pa.Table]:
        cells = open_cells(self.pieces, name)
        for _, batch in cells.batches({ROW, *snapshot.columns}, range(cells.lines)):
            yield as_texts(batch, snapshot.columns)

    def _rows(self, lines: pa.Table) -> pa.Array:
        """Return the source rows that hold a cell of the people's, in a column of the same name."""
        found = pa.array([False] * len(lines))
        for name, values in self.cells.items():
            if name in lines.schema.names and len(values):
                found = pc.or_(found, pc.is_in(lines[name].combine_chunks(), values))
        rows: pa.Array = lines[ROW].combine_chunks().filter(found)
        return rows
