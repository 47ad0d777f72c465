"""Snapshots: all lines of a list as they were, or would be, sent, in pieces of bounded size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.lines import ROW, Digest, line_keys
from activation.mirror.packing import TEXT, flat, packed
from activation.mirror.piece import PieceWriter
from activation.mirror.store import Pieces

PIECE_LINES = 500_000


@dataclass(frozen=True)
class Snapshot:
    """The lines of a list (a record).

    `pieces` are the names of its pieces, without the endings of their files. `lines` and `rows` say how many lines
    it has, and of how many source rows. `digest` is that of the lines' keys. `columns` are the wire keys and
    `table_version` the version of the platform's field table. With `cells` False the keys alone are kept, 12 bytes
    a line: enough for counts and for the guard, not to send a difference.
    """

    pieces: tuple[str, ...]
    lines: int
    rows: int
    digest: str
    columns: tuple[str, ...]
    table_version: str
    cells: bool


class SnapshotWriter:
    """Writes a snapshot, piece by piece, so that one that was interrupted goes on after its last piece.

    Names begin with `prefix` ("" or ending with "/"), which no other run uses. `columns` are the wire keys of all
    lines. `so_far` is what `cut` returned last, for a writer that goes on: the lines written since are written
    again, under the same names.
    """

    def __init__(
        self,
        pieces: Pieces,
        prefix: str,
        columns: tuple[str, ...],
        *,
        table_version: str = "",
        cells: bool = True,
        piece_lines: int = PIECE_LINES,
        so_far: Snapshot | None = None,
    ) -> None:
        self._pieces = pieces
        self._prefix = prefix
        self._piece_lines = piece_lines
        self._written = so_far or Snapshot((), 0, 0, str(Digest()), columns, table_version, cells)
        self._digest = Digest.of(self._written.digest)
        self._piece: PieceWriter | None = None

    @property
    def is_full(self) -> bool:
        """Return whether the present piece has its lines: time to `cut`, and to save the drop's cursor."""
        return self._piece is not None and self._piece.lines >= self._piece_lines

    def write(self, lines: pa.Table) -> None:
        """Write lines; all lines of a source row come with one call, and no piece ends within a call."""
        if not len(lines):
            return
        rows = flat(lines[ROW])
        keys, cells = line_keys(lines), self._cells(lines)
        if self._piece is not None and (self.is_full or not self._piece.fits(cells)):
            self._end()
        if self._piece is None:
            name = f"{self._prefix}{len(self._written.pieces):05d}"
            self._piece = PieceWriter(self._pieces, name, cells=self._written.cells)
            self._written = replace(self._written, pieces=(*self._written.pieces, name))
        self._piece.write(keys, cells, rows)
        self._digest = self._digest.plus(keys)
        self._written = replace(
            self._written,
            lines=self._written.lines + len(lines),
            rows=self._written.rows + pc.count_distinct(rows).as_py(),
            digest=str(self._digest),
        )

    def _cells(self, lines: pa.Table) -> pa.Table:
        """Return the lines as they are kept: packed, but for columns that are text in the present piece."""
        columns = {ROW: lines[ROW]}
        schema = self._piece.schema if self._piece is not None else None
        for name in self._written.columns if self._written.cells else ():
            texts = flat(lines[name]).cast(TEXT)
            is_text = schema is not None and schema.field(name).type == TEXT
            columns[name] = texts if is_text else packed(texts)
        return pa.table(columns)

    def cut(self) -> Snapshot:
        """End the present piece and return the snapshot up to here, which a writer can go on from."""
        self._end()
        return self._written

    def close(self) -> Snapshot:
        """End the last piece and return the snapshot."""
        return self.cut()

    def _end(self) -> None:
        if self._piece is not None:
            self._piece.close()
        self._piece = None
