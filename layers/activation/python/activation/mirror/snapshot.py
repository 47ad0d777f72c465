"""Snapshots: all lines of a list as they were, or would be, sent, in pieces of bounded size."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from activation.mirror.store import Pieces

PIECE_LINES = 500_000


@dataclass(frozen=True)
class Snapshot:
    """The lines of a list (a record).

    `pieces` are the names of its pieces, without the endings of their files. `lines` and `rows` say how many lines
    it has, and of how many source rows. `digest` is that of the lines' keys. `columns` are the wire keys and
    `table_version` the version of the platform's field table. With `cells` False the keys alone are kept, 8 bytes
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
        raise NotImplementedError

    @property
    def is_full(self) -> bool:
        """Return whether the present piece has its lines: time to `cut`, and to save the drop's cursor."""
        raise NotImplementedError

    def write(self, lines: pa.Table) -> None:
        """Write lines; all lines of a source row come with one call, and no piece ends within a call."""
        raise NotImplementedError

    def cut(self) -> Snapshot:
        """End the present piece and return the snapshot up to here, which a writer can go on from."""
        raise NotImplementedError

    def close(self) -> Snapshot:
        """End the last piece and return the snapshot."""
        raise NotImplementedError
