"""A connector's worker in a process of its own: a file in, requests over HTTP out, with the line's own sender.

`worker.py FILE SECRET IN_FLIGHT LEDGER_S [PLATFORM IDENTIFIERS]`: SECRET is the account's secret as JSON with its
endpoint, LEDGER_S how long the ledger takes to answer, PLATFORM meta unless it is given, IDENTIFIERS the type of a
list of hashes. What AWS would do beside it is left out; the function's modules are all loaded.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from activation.batching import Batcher, Prepared
from activation.columns import map_columns
from activation.conditional import ConditionalTable
from activation.drops.chunk import DropReader
from activation.drops.open import open_drop
from activation.drops.source import FileSource
from activation.exchange import Exchange
from activation.governor import Governor
from activation.http import PooledHttp
from activation.identifiers.table import Context
from activation.ledger import HeldRun, Ledger, Run, State
from activation.model import RAW, Audience, Cursor, Kind
from activation.progress import Progress
from activation.publisher import Publisher
from activation.rejects import Rejects
from activation.screening import screen
from activation.sending import Sender

from bench.inside.meter import metered
from bench.inside.records import Records

PUBLISHERS = {"meta": "MetaPublisher", "tiktok": "TikTokPublisher"}


@dataclass(frozen=True)
class Account:
    """An account whose secret does not change."""

    fixed: Publisher

    def publisher(self) -> Publisher:
        """Give the publisher."""
        return self.fixed

    def refresh(self, refused: object) -> Publisher:  # noqa: ARG002  the protocol's argument
        """Give the same one; the simulator refuses no secret."""
        return self.fixed


class Bucket:
    """S3 as far as rejects need it: what is put there is counted and forgotten."""

    def __init__(self) -> None:
        self.objects = 0

    def put_object(self, **_: Any) -> dict[str, str]:
        """Take an object."""
        self.objects += 1
        return {}


def publisher_of(platform: str, secret: Mapping[str, Any]) -> Publisher:
    """Load a platform's function whole, since that counts towards its memory, and make its publisher."""
    import_module(f"lambdas.{platform}.handler")
    publisher: Publisher = getattr(
        import_module(f"lambdas.{platform}.publisher"), PUBLISHERS[platform]
    ).from_secret(secret)
    return publisher


def work(path: Path, publisher: Publisher, in_flight: int, ledger_s: float, kind: Kind = RAW) -> dict[str, Any]:
    """Send the whole file; gives the sums of the run and what the ledger was asked."""
    platform = publisher.platform
    account, audience = Account(publisher), Audience(platform, f"bench {time.time_ns()}")
    records = Records(ledger_s)
    table = ConditionalTable(cast("Any", records), "ledger")
    lease_s = 3 * publisher.limits.timeout_s
    now = time.time()
    run = Run(f"{platform}#run#bench", 1, State.RUNNING, 0, now, now, now + lease_s, 0.0, 0, Progress())
    held = HeldRun(run, Ledger(table, platform, lease_s=lease_s, ttl_days=1))
    exchange = Exchange(
        account=account,
        http=PooledHttp(connections=in_flight),
        governor=Governor(table, publisher.platform, publisher.account),
        time_left_s=lambda: 900.0,
        keep_lease=lambda: held.keep(2 * publisher.limits.timeout_s),
        note_sent=held.note_sent,
    )
    reader = open_drop(FileSource(path), single=kind.single)
    mapped = map_columns(publisher.table, reader.header, kind)
    limits = publisher.limits.narrowed()
    keys = tuple(field.key for _, field in mapped.fields)
    batcher = Batcher(
        fields=mapped.fields,
        context=Context(),
        hashed=kind.hashed,
        max_rows=limits.rows_of(field for _, field in mapped.fields),
        groups=publisher.groups,
    )
    run.opened = exchange.converse(lambda one: one.open(audience, keys))
    opened = run.opened
    bucket = Bucket()
    sender = Sender(
        run_id="bench",
        held=held,
        audience=audience,
        open=lambda: opened,
        exchange=exchange,
        rejects=Rejects(cast("Any", bucket), "receipts", "bench"),
        in_flight=in_flight,
        limits=limits,
        may_start=lambda: True,
    )
    before = run.progress.requests
    began = time.perf_counter()
    if kind.hashed:
        chunks, fields = reader.chunks(Cursor()), mapped.fields
        screen(chunks, Cursor(), fields=fields, context=Context(), may_go_on=lambda: True)
    sender.send(_spans(batcher, reader))
    return {
        "send_s": time.perf_counter() - began,
        "rows": run.progress.cursor.row,
        "acknowledged": run.progress.acknowledged,
        "requests": run.progress.requests - before,
        "body_bytes": run.progress.bytes_sent,
        "write_units": records.write_units,
        "read_units": records.read_units,
    }


def _spans(batcher: Batcher, reader: DropReader) -> Iterator[Prepared]:
    return batcher.spans(reader.chunks(Cursor()), Cursor(), ())


if __name__ == "__main__":
    path, secret, in_flight, ledger_s, *listed = sys.argv[1:]
    platform, identifiers = listed or ("meta", "")
    kind = Kind(identifiers, hashed=True, single=identifiers) if identifiers else RAW
    publisher = publisher_of(platform, json.loads(secret))
    metered(lambda: work(Path(path), publisher, int(in_flight), float(ledger_s), kind))
