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

from activation.buffers import from_malloc
from activation.drops.open import open_drop
from activation.drops.source import FileSource
from activation.identifiers.event_rows import untimely
from activation.identifiers.refused import Refused
from activation.model import EVENTS, Audience, Cursor
from activation.pipeline.gathering import together
from activation.pipeline.repeats import EVENT_IDS, Repeats
from activation.pipeline.scanning import narrowed, scan
from activation.platforms.upload import Upload

from bench.inside.line import batcher_of, encode_all
from bench.inside.meter import metered
from lambdas.meta_conversions.platform import PLATFORM

KEY = "bench"


def bodies(path: Path, folder: Path) -> dict[str, int]:
    """Generate every body of the file, as the connector would; return counts. `folder` keeps the ids."""
    rules, now = PLATFORM.table.events, time.time()
    if rules is None:
        raise AssertionError("the platform of events has no rules for them")
    reader = open_drop(FileSource(path))
    batcher = batcher_of(PLATFORM, reader.header, EVENTS, drop_id="bench")
    pieces: list[Callable[[], Refused]] = []

    def keep(_setting: str, first: int, _last: int, found: Refused) -> None:
        piece = folder / str(first)
        with piece.open("wb") as file:  # a run keeps it beside its receipt
            found.write(file)
        pieces.append(partial(_read, piece))

    def in_time(upload: Upload) -> Upload:
        late = untimely(rules, upload.columns, now)
        return upload.without(late)[0] if late else upload

    chunks = narrowed(reader, batcher).chunks(Cursor())
    scan(chunks, Cursor(), batcher, (), key=KEY, keep=keep, may_go_on=lambda: True)
    batcher = replace(batcher, repeats=Repeats(KEY, together({EVENT_IDS: pieces})[EVENT_IDS]))
    return encode_all(PLATFORM, batcher, reader, Audience("events", "1"), in_time)


def _read(piece: Path) -> Refused:
    return Refused.from_bytes(piece.read_bytes())


if __name__ == "__main__":
    from_malloc()
    with TemporaryDirectory() as kept:
        metered(lambda: dict(bodies(Path(sys.argv[1]), Path(kept))))
