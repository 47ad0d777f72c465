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
from activation.pipeline.scanning import scan


def scanned(reader: DropReader, columns: Sequence[tuple[int, Field]], batcher: Batcher) -> Batcher:
    """Return the batcher that knows whom the rows of a drop refuse; raises what the scan raises."""
    reaching = [one for one in batcher.filters if one.reaches]
    if not reaching and not batcher.hashed:
        return batcher
    key = new_key()
    pieces: dict[str, list[Callable[[], Refused]]] = {one.setting: [] for one in reaching}

    def keep(setting: str, _first_row: int, _last_row: int, refused: Refused) -> None:
        pieces[setting].append(partial(_same, refused))

    scan(reader.chunks(Cursor()), Cursor(), batcher, columns, key=key, keep=keep, may_go_on=lambda: True)
    whole = together(pieces)
    return replace(batcher, refusals=tuple(Refusal(one, whole[one.setting], key) for one in reaching))


def _same(refused: Refused) -> Refused:
    return refused
