"""A piece of a snapshot or a delta: its cells in one file, and its keys in another that is written after it."""

from __future__ import annotations

from contextlib import ExitStack

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.cells_file import CellsFile, CellsWriter
from activation.mirror.keys_file import KeysFile, write_keys
from activation.mirror.store import Pieces

CELLS, KEYS = ".cells", ".keys"


class PieceWriter:
    """Writes one piece; with `cells` False its keys alone. Nothing is there before `close`."""

    def __init__(self, pieces: Pieces, name: str, *, cells: bool) -> None:
        self._pieces = pieces
        self._name = name
        self._keys: list[pa.Array] = []
        self._rows: list[pa.Array] = []
        self._several = False
        self._open = ExitStack()
        self._cells: CellsWriter | None = None
        if cells:
            self._cells = CellsWriter(self._open.enter_context(pieces.write(name + CELLS)))
        self.schema: pa.Schema | None = None
        self.lines = 0

    def fits(self, cells: pa.Table) -> bool:
        """Return whether lines have the columns of this piece's, in the same form."""
        return self.schema is None or self.schema.equals(cells.schema)

    def write(self, keys: pa.Array, cells: pa.Table, rows: pa.Array) -> None:
        """Write lines: their keys, their cells as they are kept, and the source row of each."""
        self._several = self._several or pc.count_distinct(rows).as_py() < len(rows)
        self._keys.append(keys)
        self._rows.append(rows)
        self.schema = cells.schema
        self.lines += len(keys)
        if self._cells is not None:
            self._cells.write(cells)

    def close(self) -> None:
        """Write what is left of the piece."""
        if self._cells is not None:
            self._cells.close()
        self._open.close()
        rows = pa.concat_arrays(self._rows) if self._several else None
        with self._pieces.write(self._name + KEYS) as file:
            write_keys(file, pa.concat_arrays(self._keys), rows)


def open_keys(pieces: Pieces, name: str) -> KeysFile:
    """Open a piece's keys; raises Rejected with state_lost."""
    return KeysFile(pieces.open(name + KEYS))


def open_cells(pieces: Pieces, name: str) -> CellsFile:
    """Open a piece's cells; raises Rejected with state_lost."""
    return CellsFile(pieces.open(name + CELLS))


def objects_of(name: str, *, cells: bool) -> tuple[str, ...]:
    """Return the names of a piece's objects."""
    return (name + CELLS, name + KEYS) if cells else (name + KEYS,)
