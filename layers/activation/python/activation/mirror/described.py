"""Lines that identify nobody by an address, a phone or the like: by a name and a postal code together, say.

Such a line is removed as it was sent, unless a wanted line has all of its cells, perhaps beside others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.changes import Found
from activation.mirror.delta import PartWriter
from activation.mirror.lines import ROW, line_keys
from activation.mirror.lines_at import KEY, lines_at
from activation.mirror.packing import PACKED, Values, unpacked
from activation.mirror.piece import open_cells
from activation.mirror.probe import Probe
from activation.mirror.store import Pieces


@dataclass(frozen=True)
class _Alike:
    """Lines that fill the same columns; `cells` are the keys of these cells."""

    columns: tuple[str, ...]
    lines: pa.RecordBatch
    cells: pa.Array


def remove_described(
    pieces: Pieces, found: Iterable[Found], candidate: Sequence[str], removes: PartWriter, at_most: int
) -> tuple[int, int]:
    """Write the lines that are removed; return how many these are, and how many a wanted line holds."""
    left = held = 0
    for some in _some(pieces, found, at_most):
        wanted = _wanted(pieces, candidate, {one.columns: Values() for one in some}, some)
        for one in some:
            gone = pc.invert(pc.is_in(one.cells, wanted[one.columns].of_type(pa.uint64())))
            lines = pa.Table.from_batches([one.lines.filter(gone)])
            left += len(lines)
            held += len(one.lines) - len(lines)
            removes.write(lines[KEY].combine_chunks(), lines.select(one.columns))
    return left, held


def _some(pieces: Pieces, found: Iterable[Found], at_most: int) -> Iterator[list[_Alike]]:
    some: list[_Alike] = []
    count = 0
    for one in found:
        for _, lines in lines_at(pieces, one):
            some += _by_columns(lines)
            count += len(lines)
            if count >= at_most:
                yield some
                some, count = [], 0
    if some:
        yield some


def _by_columns(lines: pa.RecordBatch) -> Iterator[_Alike]:
    """Yield the lines by the columns they fill."""
    names = [name for name in lines.schema.names if name not in (KEY, ROW)]
    filled = pa.repeat(pa.scalar(0, pa.int64()), len(lines))
    for bit, name in enumerate(names):
        filled = pc.add(filled, pc.multiply(lines[name].is_valid().cast(pa.int64()), 1 << bit))
    for pattern in filled.unique().to_pylist():
        columns = tuple(name for bit, name in enumerate(names) if pattern >> bit & 1)
        alike = lines.filter(pc.equal(filled, pattern))
        yield _Alike(columns, alike, _keys(alike, columns))


def _wanted(
    pieces: Pieces, candidate: Sequence[str], found: dict[tuple[str, ...], Values], some: Sequence[_Alike]
) -> dict[tuple[str, ...], Values]:
    """Return by columns which of the keys of `some` a line of the candidate has in these columns."""
    looked_for = {columns: Values(one.cells for one in some if one.columns == columns) for columns in found}
    for piece in candidate:
        cells = open_cells(pieces, piece)
        for columns, values in looked_for.items():
            if not {*columns} <= {*cells.names}:
                continue
            alike = [one.lines for one in some if one.columns == columns]
            probes = {name: Probe(Values(lines[name] for lines in alike)) for name in columns}
            for _, batch in cells.batches(columns):
                masks = [_among(batch[name], probes[name]) for name in columns]
                keys = _keys(batch.filter(reduce(pc.and_, masks)), columns)
                found[columns].add(keys.filter(pc.is_in(keys, values.of_type(pa.uint64()))))
    return found


def _among(column: pa.Array, probe: Probe) -> pa.Array:
    """Return which cells may be among those looked for; of a column with a dictionary, its values are."""
    if not pa.types.is_dictionary(column.type):
        return probe.perhaps(column)
    among = probe.perhaps(column.dictionary.cast(PACKED)).take(column.indices)
    return pc.fill_null(among, fill_value=False)


def _keys(lines: pa.RecordBatch, columns: Sequence[str]) -> pa.Array:
    return line_keys(pa.table({name: unpacked(lines[name]) for name in columns}))
