"""Lines that the platform refused to remove, kept as a part of their own: they may still be in the audience."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.changes import Found
from activation.mirror.delta import Part, PartWriter
from activation.mirror.keys_file import RANGES, TOGETHER
from activation.mirror.lines import ROW
from activation.mirror.lines_at import KEY, lines_at
from activation.mirror.piece import open_keys
from activation.mirror.store import Pieces


def write_kept(pieces: Pieces, part: Part, numbers: pa.Array, prefix: str) -> Part | None:
    """Write some lines of a part as a part whose names begin with `prefix`; return it, None for no lines.

    `numbers` (uint32) are those of the lines in the part, from 1, in any order and perhaps more than once. With
    the same arguments the files have the same content. Raises Rejected with state_lost where a file is gone or
    damaged.
    """
    writer = PartWriter(pieces, prefix)
    for found in _found(pieces, part, numbers):
        for _, lines in lines_at(pieces, found):
            writer.write(lines[KEY], pa.Table.from_batches([lines.drop_columns([KEY, ROW])]))
    return writer.close(part.columns)


def _found(pieces: Pieces, part: Part, numbers: pa.Array) -> Iterator[Found]:
    """Yield the lines by their pieces, with the keys that they were kept under."""
    begin = 0
    for name in part.pieces:
        file = open_keys(pieces, name)
        mine = numbers.filter(pc.and_(pc.greater(numbers, begin), pc.less_equal(numbers, begin + file.lines)))
        places = pc.subtract(mine, pa.scalar(begin + 1, pa.uint32()))
        begin += file.lines
        if not len(places):
            continue
        blocks = [file.block(number) for number in range(RANGES // TOGETHER)]
        masks = [pc.is_in(one.places, places) for one in blocks]
        here = pa.concat_arrays([one.places.filter(mask) for one, mask in zip(blocks, masks, strict=True)])
        keys = pa.concat_arrays([one.keys.filter(mask) for one, mask in zip(blocks, masks, strict=True)])
        order = pc.sort_indices(here)
        yield Found(name, here.take(order), keys.take(order))
