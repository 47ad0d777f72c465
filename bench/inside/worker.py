"""A connector's worker in a process of its own: a file in, requests over HTTP out, with the line's own sender.

`worker.py FILE SECRET IN_FLIGHT LEDGER_S`: SECRET is the account's secret as JSON with its endpoint, LEDGER_S how
long the ledger takes to answer. What AWS would do beside it is left out; the function's modules are all loaded.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
from activation.model import RAW, Audience, Cursor
from activation.progress import Progress
from activation.rejects import Rejects
from activation.sending import Sender

import lambdas.meta.handler  # noqa: F401  what a function has loaded counts towards its memory
from bench.inside.meter import metered
from bench.inside.records import Records
from lambdas.meta.publisher import MetaPublisher


@dataclass(frozen=True)
class Account:
    """An account whose secret does not change."""

    fixed: MetaPublisher

    def publisher(self) -> MetaPublisher:
        """Give the publisher."""
        return self.fixed

    def refresh(self, refused: object) -> MetaPublisher:  # noqa: ARG002  the protocol's argument
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


def work(path: Path, secret: Mapping[str, Any], in_flight: int, ledger_s: float) -> dict[str, Any]:
    """Send the whole file; gives the sums of the run and what the ledger was asked."""
    publisher = MetaPublisher.from_secret(secret)
    account, audience = Account(publisher), Audience("meta", f"bench {time.time_ns()}")
    records = Records(ledger_s)
    table = ConditionalTable(cast("Any", records), "ledger")
    lease_s = 3 * publisher.limits.timeout_s
    now = time.time()
    run = Run("meta#run#bench", 1, State.RUNNING, 0, now, now, now + lease_s, 0.0, 0, Progress())
    held = HeldRun(run, Ledger(table, "meta", lease_s=lease_s, ttl_days=1))
    exchange = Exchange(
        account=account,
        http=PooledHttp(connections=in_flight),
        governor=Governor(table, publisher.platform, publisher.account),
        time_left_s=lambda: 900.0,
        keep_lease=lambda: held.keep(2 * publisher.limits.timeout_s),
        note_sent=held.note_sent,
    )
    reader = open_drop(FileSource(path))
    mapped = map_columns(publisher.table, reader.header, RAW)
    keys = tuple(field.key for _, field in mapped.fields)
    batcher = Batcher(
        fields=mapped.fields,
        context=Context(),
        hashed=False,
        max_rows=publisher.limits.max_rows,
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
        may_start=lambda: True,
    )
    before = run.progress.requests
    began = time.perf_counter()
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
    arguments = sys.argv[1:]
    metered(lambda: work(Path(arguments[0]), json.loads(arguments[1]), int(arguments[2]), float(arguments[3])))
