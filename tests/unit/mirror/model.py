"""The rule of a difference with Python's own sets, and pieces in memory: what the engine is held against."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO

import pyarrow as pa
from activation.mirror.delta import Part, read_part
from activation.mirror.lost import state_lost
from activation.mirror.snapshot import Snapshot, SnapshotWriter

ALONE = ("EMAIL", "PHONE")
Line = frozenset[tuple[str, str]]  # wire keys and cells
Rows = Sequence[Sequence[Mapping[str, str]]]  # the lines of each source row


@dataclass
class MemoryPieces:
    """Objects in memory."""

    objects: dict[str, bytes] = field(default_factory=dict)

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Keep what was written."""
        file = io.BytesIO()
        yield file
        self.objects[name] = file.getvalue()

    def open(self, name: str) -> pa.NativeFile:
        """Return a reader of an object."""
        if name not in self.objects:
            raise state_lost("an object is gone")
        return pa.BufferReader(self.objects[name])

    def delete(self, names: Iterable[str]) -> None:
        """Forget objects."""
        for name in names:
            self.objects.pop(name, None)

    def names(self, prefix: str) -> Iterator[str]:
        """Yield names in order."""
        yield from sorted(name for name in self.objects if name.startswith(prefix))


def table(rows: Rows, columns: Sequence[str], first_row: int = 1) -> pa.Table:
    """Return lines as the engine takes them."""
    numbers = [row for row, lines in enumerate(rows, first_row) for _ in lines]
    lines = [line for each in rows for line in each]
    cells = {name: pa.array([line.get(name) for line in lines], pa.string()) for name in columns}
    return pa.table({"row": pa.array(numbers, pa.int64()), **cells})


def snapshot(
    pieces: MemoryPieces,
    prefix: str,
    rows: Rows,
    columns: Sequence[str],
    *,
    cells: bool = True,
    piece_lines: int = 3,
    table_version: str = "1",
    at_once: int = 2,
) -> Snapshot:
    """Write a list, two source rows at a time or so many."""
    writer = SnapshotWriter(
        pieces, prefix, tuple(columns), table_version=table_version, cells=cells, piece_lines=piece_lines
    )
    for first in range(0, len(rows), at_once):
        writer.write(table(rows[first : first + at_once], columns, first + 1))
    return writer.close()


def as_line(cells: Mapping[str, str | None]) -> Line:
    """Return a line's cells, without blank ones."""
    return frozenset((name, value) for name, value in cells.items() if value is not None)


def groups_of(rows: Rows) -> list[list[Line]]:
    """Return the lines of each source row of a list."""
    return [[as_line(line) for line in each] for each in rows]


def groups_in(pieces: MemoryPieces, part: Part | None) -> list[list[Line]]:
    """Return the lines of a part by their source rows, as far as these stand in one piece."""
    groups: dict[tuple[str, int], list[Line]] = {}
    for name in part.pieces if part else ():
        for row, line in read(pieces, replace(part, pieces=(name,))) if part else []:
            groups.setdefault((name, row), []).append(line)
    return [*groups.values()]


def lines_of(rows: Rows) -> list[Line]:
    """Return all lines of a list."""
    return [as_line(line) for each in rows for line in each]


def read(pieces: MemoryPieces, part: Part | None, *, after: int = 0, at_most: int = 3) -> list[tuple[int, Line]]:
    """Return the lines of a part, each with its row."""
    if part is None:
        return []
    found = [line for some in read_part(pieces, part, after, at_most) for line in some.to_pylist()]
    return [(line.pop("row"), as_line(line)) for line in found]


@dataclass
class Known:
    """What the model knows: the lines that were committed, and those of pending deltas, each by source rows."""

    rows: list[list[Line]] = field(default_factory=list)
    removes: list[Line] = field(default_factory=list)
    adds: list[list[list[Line]]] = field(default_factory=list)
    replaced: bool = False

    @property
    def may_be_there(self) -> list[tuple[Line, list[Line]]]:
        """Return the lines that may be in the audience, each with those of its row, as often as they were sent."""
        found = [(line, each) for each in self.rows for line in each]
        for some in self.adds:
            seen = {line for line, _ in found}
            found += [(line, each) for each in some for line in each if line not in seen]
        return found

    @property
    def surely_there(self) -> set[Line]:
        """Return the lines that surely are."""
        return set() if self.replaced else {line for each in self.rows for line in each} - {*self.removes}


@dataclass(frozen=True)
class Expected:
    """What a difference should be."""

    removed: Counter[Line]
    originals: list[Line]
    new: list[tuple[int, Line]]
    neighbours: list[tuple[int, Line]]
    left: int
    held: int
    rows: dict[str, int]


def alone_cells(line: Line, alone: Collection[str] = ALONE) -> set[tuple[str, str]]:
    """Return the cells that identify a person by themselves."""
    return {cell for cell in line if cell[0] in alone}


def row_cells(lines: Sequence[Line]) -> set[tuple[str, str]]:
    """Return what identifies the person of a row that has several lines, in any of them."""
    return {cell for line in lines for cell in alone_cells(line)} if len(lines) > 1 else set()


def expected(known: Known, rows: Rows) -> Expected:
    """Return the difference by the rule, as its sentences say it."""
    wanted = {*lines_of(rows)}
    held_cells = {cell for line in wanted for cell in alone_cells(line)}
    unwanted = [(line, each) for line, each in known.may_be_there if line not in wanted]
    removed: Counter[Line] = Counter()
    originals, left, held = [], 0, 0
    near: set[tuple[str, str]] = set()
    for line, each in unwanted:
        near |= row_cells(each)
        own = alone_cells(line)
        if own:
            rest = own - held_cells
            if rest:
                removed[frozenset(rest)] += 1
                near |= own
                originals.append(line)
            held += not rest
            left += rest == own
        elif any(line <= one for one in wanted):
            held += 1
        else:
            removed[line] += 1
            originals.append(line)
            left += 1
    gone_cells = {cell for line, each in unwanted for cell in alone_cells(line) | row_cells(each)}
    numbered = [(row, [as_line(line) for line in each]) for row, each in enumerate(rows, 1)]
    surely = known.surely_there
    new = [(row, line) for row, each in numbered for line in each if line not in surely]
    neighbours = [
        (row, line) for row, each in numbered for line in each if line in surely and near & alone_cells(line)
    ]
    counts = Counter(
        _fate(each, surely, gone_cells, row in {one for one, _ in neighbours}) for row, each in numbered if each
    )
    return Expected(removed, originals, new, neighbours, left, held, dict(counts))


def _fate(lines: Sequence[Line], surely: set[Line], gone: set[tuple[str, str]], is_near: bool) -> str:
    new = [line for line in lines if line not in surely]
    if not new:
        return "resent" if is_near else "unchanged"
    before = len(new) < len(lines) or any(gone & alone_cells(line) for line in new)
    return "changed" if before else "joined"
