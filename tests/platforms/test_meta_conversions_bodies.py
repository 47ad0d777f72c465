"""Bodies of events stay the same bytes, however the columns of a file are worked on."""

from __future__ import annotations

import csv
import hashlib
import io
import random
from collections.abc import Iterator

import pytest
from activation.drops.columns import map_columns
from activation.drops.open import open_drop
from activation.drops.source import BytesSource
from activation.identifiers.event_rows import untimely
from activation.identifiers.table import Context
from activation.model import EVENTS, Audience, Cursor
from activation.pipeline.batching import Batcher
from activation.platforms.publisher import Opened
from activation.platforms.upload import Batch

from lambdas.meta_conversions.platform import PLATFORM

NOW = 1_795_168_800  # 2026-11-20T10:00:00Z
ROWS = 2_500
HEADER = (
    *("event_name", "event_time", "event_id", "order_id", "action_source", "value", "currency"),
    *("event_source_url", "client_user_agent", "email", "phone", "first_name", "city", "customer_id"),
)
# What a column holds in a tidy export, and what it holds besides in others; both by column.
TIDY = {
    "event_name": ("purchase",),
    "event_time": ("2026-11-20T09:00:00Z", "2026-11-19T23:59:59Z", "2026-11-14T00:00:01Z"),
    "event_id": ("",),
    "order_id": ("A-{n}",),
    "action_source": ("store",),
    "value": ("{n}.50", "0", "19.9"),
    "currency": ("EUR",),
    "event_source_url": ("",),
    "client_user_agent": ("",),
    "email": ("person{n}@example.com",),
    "phone": ("+49 30 90{n:06d}", ""),
    "first_name": ("Ada", "Élise"),
    "city": ("Berlin",),
    "customer_id": ("C{n}",),
}
MESSY = {
    "event_name": ("PURCHASE", "add to cart", "other:Gift card", "lead", "page_view", "purchse", ""),
    "event_time": (
        "1795165200",
        "2026-11-20 10:00:00+01:00",
        "1795165200000",
        "2026-06-31T10:00:00Z",
        "",
        "today",
    ),
    "event_id": ("e-{n}", "null", "7E3", "00{n}", '"{n}"'),
    "order_id": ("", "n{n}", "none", "#{n}", "12 {n}", "-", "{n}.0"),
    "action_source": ("website", "Web", "phone", "crm", "moon", ""),
    "value": ("007", "1e2", "-1", "12,50", "", ".5"),
    "currency": ("usd", "GBP", "euro", ""),
    "event_source_url": ('https://shop.example/?q="{n}"&a=\\b', "shop", "https://shop.example/{n}"),
    "client_user_agent": ('Mozilla/5.0 (X11) "q"', "Tom &amp; Co", "none"),
    "email": (" Person{n}@Example.com ", "", "nobody", '"Ada" <ada{n}@example.com>'),
    "phone": ("030 90{n:06d}", "12", "+49-(0)30-90{n:06d}"),
    "first_name": ("", "O'Neill", "陽子"),
    "city": ("", "São Paulo"),
    "customer_id": ("0", "", "a@example.com", "null", "'12{n}"),
}


def export(messy: float) -> bytes:
    """Return a file of events, of whose cells so large a share is not as in a tidy one; always the same."""
    chance = random.Random(20261130)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for number in range(ROWS):
        cells = (chance.choice((MESSY if chance.random() < messy else TIDY)[name]) for name in HEADER)
        writer.writerow([cell.format(n=number) for cell in cells])
    return text.getvalue().encode()


def bodies(content: bytes) -> Iterator[bytes]:
    """Yield the body of every request that a file becomes."""
    publisher, rules = PLATFORM.rehearsal(), PLATFORM.table.events
    assert rules is not None
    reader = open_drop(BytesSource(content))
    mapped = map_columns(PLATFORM.table, reader.header, EVENTS)
    batcher = Batcher(
        table=PLATFORM.table,
        fields=mapped.fields,
        context=Context(default_country="DE"),
        hashed=False,
        max_rows=PLATFORM.limits.max_rows,
        several=mapped.several,
        drop_id="drop",
    )
    for one in batcher.spans(reader.chunks(Cursor()), Cursor(), ()):
        batch = Batch("run", one.span.first_row, one.span.last_row, one.columns, one.rows)
        for upload in publisher.uploads(batch) if one.columns.num_rows else ():
            late = untimely(rules, upload.columns, NOW)
            rest = upload.without(late)[0] if late else upload
            if rest.lines:
                yield publisher.encode(rest, Audience("c", "d"), Opened("1")).content


@pytest.mark.parametrize(
    ("messy", "wanted"),
    [
        (0.0, "4773111052e5f1de35bdb26d459777fdfd21a393c44d58fe69384f7a3c0d4b8a"),
        (0.05, "3694383161a2c6523065b0060ba625703aecc8436f22e4f19ad867229496350f"),
        (0.5, "1f0e07bc8bfecf003a6252d001a9351ba6de903e257a634a60f7dcc98de80168"),
    ],
    ids=["tidy", "mostly tidy", "messy"],
)
def test_bodies_are_the_same_bytes_as_ever(messy: float, wanted: str) -> None:
    """Faster ways to work on a column send nothing else: an event that changes may count twice."""
    digest = hashlib.sha256()
    for body in bodies(export(messy)):
        digest.update(body)
    assert digest.hexdigest() == wanted
