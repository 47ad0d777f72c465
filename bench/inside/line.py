"""A file's batches and request bodies, built by the line's own modules with the settings of a connector that has none."""

from __future__ import annotations

from collections.abc import Callable

from activation.drops.chunk import DropReader
from activation.drops.columns import map_columns
from activation.identifiers.table import Context
from activation.model import Audience, Cursor, Kind
from activation.pipeline.batching import Batcher
from activation.platforms.platform import Platform
from activation.platforms.publisher import Opened
from activation.platforms.upload import Batch, Upload


def batcher_of(platform: Platform, header: tuple[str, ...], kind: Kind, *, drop_id: str = "") -> Batcher:
    """Return what cuts a file with this header into batches for the platform."""
    mapped = map_columns(platform.table, header, kind)
    return Batcher(
        table=platform.table,
        fields=mapped.fields,
        context=Context(),
        hashed=kind.hashed,
        max_rows=platform.limits.narrowed().rows_of(field for _, field in mapped.fields),
        several=mapped.several,
        drop_id=drop_id,
    )


def encode_all(
    platform: Platform,
    batcher: Batcher,
    reader: DropReader,
    audience: Audience,
    ready: Callable[[Upload], Upload] = lambda upload: upload,
) -> dict[str, int]:
    """Build every request of a file, and return the file's rows, the lines sent, and the bytes of their bodies.

    `ready` returns an upload as it is sent.
    """
    publisher, opened = platform.rehearsal(), Opened("1")
    rows = sent = size_bytes = 0
    for one in batcher.spans(reader.chunks(Cursor()), Cursor(), ()):
        rows = one.span.last_row
        if not one.columns.num_rows:
            continue
        batch = Batch("bench", one.span.first_row, one.span.last_row, one.columns, one.rows)
        for upload in publisher.uploads(batch):
            request = publisher.encode(ready(upload), audience, opened)
            sent, size_bytes = sent + request.rows, size_bytes + request.size_bytes
    return {"rows": rows, "sent": sent, "body_bytes": size_bytes}
