"""Our path: a file's bytes to Meta's request bodies, in one thread, with the line's own modules."""

from __future__ import annotations

import sys
from pathlib import Path

from activation.drops.columns import map_columns
from activation.drops.open import open_drop
from activation.drops.source import FileSource
from activation.identifiers.table import Context
from activation.model import RAW, Audience, Cursor
from activation.pipeline.batching import Batcher
from activation.platforms.publisher import Opened
from activation.platforms.upload import Batch

from bench.inside.meter import metered
from lambdas.meta.platform import PLATFORM


def bodies(path: Path) -> dict[str, int]:
    """Generate every body of the file, as the connector would; return counts."""
    publisher, limits = PLATFORM.rehearsal(), PLATFORM.limits
    audience, opened = Audience("meta", "bench"), Opened("1")
    reader = open_drop(FileSource(path))
    mapped = map_columns(PLATFORM.table, reader.header, RAW)
    batcher = Batcher(
        table=PLATFORM.table,
        fields=mapped.fields,
        context=Context(),
        hashed=False,
        max_rows=limits.max_rows,
        several=mapped.several,
    )
    rows = sent = size_bytes = 0
    for one in batcher.spans(reader.chunks(Cursor()), Cursor(), ()):
        rows = one.span.last_row
        if not one.columns.num_rows:
            continue
        for upload in publisher.uploads(
            Batch("bench", one.span.first_row, one.span.last_row, one.columns, one.rows)
        ):
            request = publisher.encode(upload, audience, opened)
            sent, size_bytes = sent + request.rows, size_bytes + request.size_bytes
    return {"rows": rows, "sent": sent, "body_bytes": size_bytes}


if __name__ == "__main__":
    metered(lambda: dict(bodies(Path(sys.argv[1]))))
