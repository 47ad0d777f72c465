"""Lines at some places of a piece."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.cells_file import as_values
from activation.mirror.changes import Found
from activation.mirror.lines import ROW
from activation.mirror.lost import state_lost
from activation.mirror.packing import give_back
from activation.mirror.piece import open_cells
from activation.mirror.store import Pieces

KEY = "\0key"  # the column of lines' keys beside their cells; no wire key has this name


def lines_at(
    pieces: Pieces, found: Found, names: Collection[str] | None = None
) -> Iterator[tuple[pa.Array, pa.RecordBatch]]:
    """Yield lines as they are kept, in batches: their places, and some columns (None for all) with their keys.

    Of a piece that has none of the columns, the source rows come. Raises Rejected with state_lost where the piece
    has fewer lines.
    """
    give_back()
    cells = open_cells(pieces, found.piece)
    numbers = memoryview(found.places.buffers()[1] or b"").cast("I")
    numbers = numbers[found.places.offset : found.places.offset + len(found.places)]
    at = 0
    wanted = cells.names if names is None else [name for name in cells.names if name in names]
    for begin, batch in cells.batches(wanted or [ROW], numbers):
        first = at
        while at < len(numbers) and numbers[at] < begin + len(batch):
            at += 1
        if first < at:
            places = found.places.slice(first, at - first)
            own = batch.take(pc.subtract(places, pa.scalar(begin, pa.uint32())))
            columns = [*map(as_values, own.columns), found.keys.slice(first, at - first)]
            yield places, pa.record_batch(columns, names=[*batch.schema.names, KEY])
    if at < len(numbers):
        raise state_lost("what an audience was sent is shorter than the list of its keys")
