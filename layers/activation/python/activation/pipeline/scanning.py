"""Reading a drop through before anything of it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from activation.drops.chunk import Chunk, DropReader
from activation.drops.delimited import DelimitedReader
from activation.drops.plaintext_scan import refuse_plaintext
from activation.identifiers.assign import Use
from activation.identifiers.table import Field
from activation.model import Cursor
from activation.pipeline.batching import Batcher
from activation.pipeline.gathering import Gathering, Keep


def narrowed(reader: DropReader, batcher: Batcher) -> DropReader:
    """Return a reader of what the scan looks at: of events, only the columns that tell them apart, or as none."""
    rules = batcher.table.events
    gathers = batcher.hashed or any(one.reaches for one in batcher.filters)
    if rules is None or gathers or not isinstance(reader, DelimitedReader):
        return reader
    wanted = {index for one in batcher.filters for index in one.indexes}
    told_by = {rules.name, rules.id, rules.order, *(key for need in rules.needs_of_names for key in need.keys)}
    for index, field in batcher.fields:
        if field.key in told_by:
            wanted.update(use.index for use in batcher.several.get(field.key, (Use(index),)))
    return replace(reader, only=frozenset(wanted - {-1}))


def scan(
    chunks: Iterable[Chunk],
    start: Cursor,
    batcher: Batcher,
    columns: Sequence[tuple[int, Field]],
    *,
    key: str,
    keep: Keep,
    may_go_on: Callable[[], bool],
) -> tuple[Cursor, bool]:
    """Scan the rows after `start`; return the cursor reached, and whether the file ended.

    A hashed drop is scanned for plaintext values under its `columns`; of any other, and of it, the identifiers of
    the rows to which the filters of `batcher` say no are kept by `keep`, as digests under `key`. Raises Rejected
    where nothing of the drop may be sent: see plaintext_scan.py and gathering.py.
    """
    gathering, reached, whole = Gathering(batcher, key, keep), start, True
    for chunk in chunks:
        if batcher.hashed:
            refuse_plaintext(chunk, columns, batcher.context)
        gathering.look(chunk)
        reached = chunk.cursor_after(chunk.first_row + chunk.row_count - 1)
        if not may_go_on():
            whole = False
            break
    gathering.finish()
    return reached, whole
