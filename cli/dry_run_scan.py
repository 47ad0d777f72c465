"""The scan of a dry run: what a run reads of a drop before it sends any of it, kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from activation.drops.chunk import DropReader
from activation.identifiers.refused import Refused, new_key
from activation.identifiers.table import Field
from activation.model import Cursor
from activation.pipeline.batching import Batcher
from activation.pipeline.gathering import together
from activation.pipeline.refusals import Refusal
from activation.pipeline.repeats import EVENT_IDS, Repeats
from activation.pipeline.scanning import narrowed, scan


def scanned(reader: DropReader, columns: Sequence[tuple[int, Field]], batcher: Batcher) -> Batcher:
    """Return the batcher that knows whom a drop's rows refuse, and which events repeat; raises as scans do."""
    reaching = [one for one in batcher.filters if one.reaches]
    of_events = batcher.table.events is not None
    if not reaching and not batcher.hashed and not of_events:
        return batcher
    key = new_key()
    pieces: dict[str, list[Callable[[], Refused]]] = {one.setting: [] for one in reaching}
    if of_events:
        pieces[EVENT_IDS] = []

    def keep(setting: str, _first_row: int, _last_row: int, refused: Refused) -> None:
        pieces[setting].append(partial(_same, refused))

    chunks = narrowed(reader, batcher).chunks(Cursor())
    scan(chunks, Cursor(), batcher, columns, key=key, keep=keep, may_go_on=lambda: True)
    whole = together(pieces)
    refusals = tuple(Refusal(one, whole[one.setting], key) for one in reaching)
    return replace(batcher, refusals=refusals, repeats=Repeats(key, whole[EVENT_IDS]) if of_events else None)


def _same(refused: Refused) -> Refused:
    return refused
