"""Events of a file to Meta's request bodies, in one thread, with the line's own modules.

The file is read twice, as by a run: once for ids that come twice, before anything is sent, then for the bodies.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from activation.drops.columns import map_columns
from activation.drops.open import open_drop
from activation.drops.source import FileSource
from activation.identifiers.event_rows import untimely
from activation.identifiers.refused import Refused
from activation.identifiers.table import Context
from activation.model import EVENTS, Audience, Cursor
from activation.pipeline.batching import Batcher
from activation.pipeline.gathering import together
from activation.pipeline.repeats import EVENT_IDS, Repeats
from activation.pipeline.scanning import narrowed, scan
from activation.platforms.publisher import Opened
from activation.platforms.upload import Batch

from bench.inside.meter import metered
from lambdas.meta_conversions.platform import PLATFORM

KEY = "bench"


def bodies(path: Path, folder: Path) -> dict[str, int]:
    """Generate every body of the file, as the connector would; return counts. `folder` keeps the ids."""
    publisher, limits, rules = PLATFORM.rehearsal(), PLATFORM.limits, PLATFORM.table.events
    audience, opened, now = Audience("events", "1"), Opened("1"), time.time()
    reader = open_drop(FileSource(path))
    mapped = map_columns(PLATFORM.table, reader.header, EVENTS)
    pieces: list[Callable[[], Refused]] = []
    batcher = Batcher(
        table=PLATFORM.table,
        fields=mapped.fields,
        context=Context(),
        hashed=False,
        max_rows=limits.max_rows,
        several=mapped.several,
        drop_id="bench",
    )

    def keep(_setting: str, first: int, _last: int, found: Refused) -> None:
        piece = folder / str(first)
        with piece.open("wb") as file:  # a run keeps it beside its receipt
            found.write(file)
        pieces.append(partial(_read, piece))

    chunks = narrowed(reader, batcher).chunks(Cursor())
    scan(chunks, Cursor(), batcher, (), key=KEY, keep=keep, may_go_on=lambda: True)
    repeats = Repeats(KEY, together({EVENT_IDS: pieces})[EVENT_IDS])
    batcher = replace(batcher, repeats=repeats)
    rows = sent = size_bytes = 0
    for one in batcher.spans(reader.chunks(Cursor()), Cursor(), ()):
        rows = one.span.last_row
        if not one.columns.num_rows or rules is None:
            continue
        for upload in publisher.uploads(
            Batch("bench", one.span.first_row, one.span.last_row, one.columns, one.rows)
        ):
            late = untimely(rules, upload.columns, now)
            request = publisher.encode(upload.without(late)[0] if late else upload, audience, opened)
            sent, size_bytes = sent + request.rows, size_bytes + request.size_bytes
    return {"rows": rows, "sent": sent, "body_bytes": size_bytes}


def _read(piece: Path) -> Refused:
    return Refused.from_bytes(piece.read_bytes())


if __name__ == "__main__":
    with TemporaryDirectory() as kept:
        metered(lambda: dict(bodies(Path(sys.argv[1]), Path(kept))))
