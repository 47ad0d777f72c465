"""Our path: a file's bytes to Meta's request bodies, in one thread, with the line's own parts."""

from __future__ import annotations

import sys
from pathlib import Path

from activation.batching import Batcher
from activation.columns import map_columns
from activation.drops.open import open_drop
from activation.drops.source import FileSource
from activation.identifiers.table import Context
from activation.model import RAW, Audience, Cursor
from activation.publisher import Batch, Opened

from bench.inside.meter import metered
from lambdas.meta.publisher import MetaPublisher


def bodies(path: Path) -> dict[str, int]:
    """Make every body of the file, as the connector would; gives sums."""
    publisher = MetaPublisher.from_secret({"access_token": "none", "ad_account_id": "1"})
    audience, opened = Audience("meta", "bench"), Opened("1")
    reader = open_drop(FileSource(path))
    mapped = map_columns(publisher.table, reader.header, RAW)
    batcher = Batcher(
        fields=mapped.fields,
        context=Context(),
        hashed=False,
        max_rows=publisher.limits.max_rows,
        groups=publisher.groups,
    )
    rows = sent = size_bytes = 0
    for one in batcher.spans(reader.chunks(Cursor()), Cursor(), ()):
        rows = one.span.last_row
        for group, mask in enumerate(one.groups):
            whole = len(one.groups) == 1
            columns, numbers = (
                (one.columns, one.rows) if whole else (one.columns.filter(mask), one.rows.filter(mask))
            )
            batch = Batch("bench", one.span.first_row, one.span.last_row, group, columns, numbers)
            request = publisher.encode(batch, audience, opened)
            sent, size_bytes = sent + request.rows, size_bytes + request.size_bytes
    return {"rows": rows, "sent": sent, "body_bytes": size_bytes}


if __name__ == "__main__":
    metered(lambda: dict(bodies(Path(sys.argv[1]))))
