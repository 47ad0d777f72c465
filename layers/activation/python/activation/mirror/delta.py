"""Deltas: the lines that a run removes from an audience, and those it then adds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from activation.mirror.lines import ROW
from activation.mirror.packing import TEXT, flat, unpacked
from activation.mirror.piece import PieceWriter, open_cells, open_keys
from activation.mirror.snapshot import PIECE_LINES, Snapshot
from activation.mirror.store import Pieces

SENT_LINES = 65_536


@dataclass(frozen=True)
class Part:
    """Lines to remove, or to add (a record).

    `pieces` are the names of its files, in order, and `columns` the wire keys of its lines. `lines` says how many
    there are; the last `neighbours` of those to add are in the audience already, and are sent again because they
    share an identifier with a line that is removed.
    """

    pieces: tuple[str, ...]
    columns: tuple[str, ...]
    lines: int
    neighbours: int = 0


@dataclass(frozen=True)
class Delta:
    """What a run may have changed in the audience, from its first request until it is committed (a record).

    `removes` and `adds` are None where there is nothing to remove or to add. A run that replaces the whole
    audience has neither, and `replaced_by` says with what. `dropped_at` is when a drop that removes people
    was put, or sent again on purpose, in ISO 8601, "" for any other run and where it is not known.
    """

    run_id: str
    removes: Part | None = None
    adds: Part | None = None
    replaced_by: Snapshot | None = None
    dropped_at: str = ""


class PartWriter:
    """Writes lines in pieces, each with the columns of its first lines; names begin with `prefix`."""

    def __init__(self, pieces: Pieces, prefix: str) -> None:
        self._pieces = pieces
        self._prefix = prefix
        self._names: list[str] = []
        self._piece: PieceWriter | None = None
        self._columns: set[str] = set()
        self.lines = 0

    def write(self, keys: pa.Array, lines: pa.Table) -> None:
        """Write lines as they are kept; `keys` are those of the lines as a whole.

        Lines without a source row are numbered.
        """
        if not len(lines):
            return
        if ROW not in lines.schema.names:
            lines = lines.add_column(0, ROW, pa.arange(self.lines + 1, self.lines + 1 + len(lines)))
        self._columns |= {*lines.schema.names}
        if self._piece is not None and (self._piece.lines >= PIECE_LINES or not self._piece.fits(lines)):
            self._piece.close()
            self._piece = None
        if self._piece is None:
            self._names.append(f"{self._prefix}{len(self._names):05d}")
            self._piece = PieceWriter(self._pieces, self._names[-1], cells=True)
        self._piece.write(keys, lines, flat(lines[ROW]))
        self.lines += len(lines)

    def close(self, columns: Iterable[str]) -> Part | None:
        """End the last piece and return the part, with those columns that were written; None where nothing was."""
        if self._piece is not None:
            self._piece.close()
        if not self.lines:
            return None
        return Part(tuple(self._names), tuple(one for one in columns if one in self._columns), self.lines)


def lines_kept(pieces: Pieces, part: Part) -> int:
    """Return how many lines the files of a part have; raises Rejected with state_lost where one is gone."""
    return sum(open_keys(pieces, name).lines for name in part.pieces)


def read_part(pieces: Pieces, part: Part, after: int = 0, at_most: int = SENT_LINES) -> Iterator[pa.Table]:
    """Yield the lines of a part that come after the first `after`, in order, in tables of `at_most` lines.

    The order is always the same. Each table has the column `row` (int64: of lines to add the source row in the
    drop, of lines to remove their number in the part, from 1) and the part's columns, as texts. Lines of one
    source row need not follow each other. Raises Rejected with state_lost where a file is gone or damaged.
    """
    waiting: list[pa.Table] = []
    count = 0
    for table in _tables(pieces, part, after):
        waiting.append(table)
        count += len(table)
        while count >= at_most:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, at_most)
            waiting, count = [whole.slice(at_most)], count - at_most
    if count:
        yield pa.concat_tables(waiting)


def _tables(pieces: Pieces, part: Part, after: int) -> Iterator[pa.Table]:
    """Yield what comes after the first lines, in tables of any size."""
    begin = 0
    for name in part.pieces:
        cells = open_cells(pieces, name)
        if begin + cells.lines > after:
            for place, batch in cells.batches({ROW, *part.columns}, range(max(0, after - begin), cells.lines)):
                skipped = max(0, after - begin - place)
                if skipped < len(batch):
                    yield as_texts(batch.slice(skipped), part.columns)
        begin += cells.lines


def as_texts(batch: pa.RecordBatch | pa.Table, columns: Sequence[str]) -> pa.Table:
    """Return lines with all columns of a part; a piece lacks those that none of its lines fills."""
    here = batch.schema.names
    cells = [unpacked(flat(batch[name])) if name in here else pa.nulls(len(batch), TEXT) for name in columns]
    return pa.table([batch[ROW], *cells], names=[ROW, *columns])
