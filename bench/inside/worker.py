"""A connector's worker in a process of its own: a file in, requests over HTTP out, with the line's own sender.

`worker.py FILE SECRET IN_FLIGHT LEDGER_S [PLATFORM IDENTIFIERS [LIST]]`: SECRET is the account's secret as JSON with its
endpoint, IN_FLIGHT how many requests are in flight (0: as many as a function chooses), LEDGER_S how long the ledger takes to answer, PLATFORM the platform (default meta), IDENTIFIERS the type
of a list of hashes, LIST a stored set of suppressed people. AWS's own work is left out; the function's modules are all loaded.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, cast

from activation.authentication.signers import make_signer
from activation.authentication.store import SecretVersion
from activation.authentication.tools import Signer, Tools
from activation.aws.table import ConditionalTable
from activation.buffers import from_malloc
from activation.drops.chunk import DropReader
from activation.drops.open import open_drop
from activation.drops.source import FileSource
from activation.ledger.progress import Progress
from activation.ledger.runs import HeldRun, Ledger, Run, RunState
from activation.model import RAW, Audience, Cursor, Kind
from activation.pipeline.batching import Batcher, Prepared
from activation.pipeline.client import PlatformClient
from activation.pipeline.rate_limit import RateLimit
from activation.pipeline.scanning import scan
from activation.pipeline.sending import Sender
from activation.pipeline.slots import InFlight, Slots
from activation.pipeline.suppressing import Suppression
from activation.platforms.authentication import Authentication, OAuth2Refresh, StaticToken
from activation.platforms.discovery import platform_named
from activation.platforms.http import PooledHttp
from activation.platforms.options import complete
from activation.platforms.platform import Platform
from activation.platforms.request import Request
from activation.report.rejects import Rejects
from activation.runs.destination import KnownDestination
from activation.suppression.listed import NOBODY, Listed

from bench.inside.line import batcher_of
from bench.inside.meter import metered
from bench.inside.records import Records

MEMORY_MB = 1769  # of a connector's function, by default
_MEMORY = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"


@dataclass(frozen=True)
class FixedSecret:
    """A secret that never changes, with its signer."""

    signer: Signer

    def sign(self, request: Request) -> tuple[Request, int]:
        """Return the signed request."""
        return self.signer.sign(request), 0

    def renew(self, refused: Request, number: int) -> None:
        """Do nothing: the simulator refuses no secret."""


@dataclass(frozen=True)
class Invocation:
    """An invocation that does not end; `held` is the run's record, `timeout_s` that of a call."""

    held: HeldRun
    timeout_s: float

    def time_for_calls_s(self) -> float:
        """Return what Lambda gives a function."""
        return 900.0

    def keep_lease(self) -> None:
        """Renew the lease as a connector does."""
        self.held.keep(2 * self.timeout_s)

    def note_sent(self, size_bytes: int, repeated: bool) -> None:
        """Count a request that was sent."""
        self.held.note_sent(size_bytes, repeated)

    def note_answer(self, seconds: float, *, throttled: bool) -> None:
        """Do nothing: the bench has clocks of its own."""

    def note_repeat(self, rows: int) -> None:
        """Do nothing: nothing is in doubt here."""


class Bucket:
    """S3 for rejects: objects are counted and discarded."""

    def __init__(self) -> None:
        self.objects = 0

    def put_object(self, **_: Any) -> dict[str, str]:
        """Accept an object."""
        self.objects += 1
        return {}


@dataclass
class Stored:
    """A set of suppressed people in a file, none of them without a `path`: read once, as a function reads S3's."""

    path: str
    _lock: Lock = field(default_factory=Lock)
    _found: tuple[int, Listed] | None = None

    def get(self) -> tuple[int, Listed]:
        """Return the set with its version; several threads may ask."""
        with self._lock:  # as CurrentSuppressions: without it, each of the first uploads would read the file
            if self._found is None and self.path:
                data = Path(self.path).read_bytes()
                hashlib.sha256(data).hexdigest()  # which the store compares
                self._found = 1, Listed.from_bytes(data)
            return self._found or (0, NOBODY)


def loaded(name: str) -> Platform:
    """Load all modules of a platform's function, since they count towards its memory."""
    import_module(f"lambdas.{name}.handler")
    return platform_named(name)


def work(
    path: Path,
    platform: Platform,
    secret: str,
    *,
    in_flight: int,
    ledger_s: float,
    kind: Kind = RAW,
    listed: str = "",
) -> dict[str, Any]:
    """Send the whole file; return the run's counts."""
    version = SecretVersion(secret, "bench")
    account = platform.account.read(version.credentials, "", complete(platform.options, {}))
    publisher, audience = platform.publisher(account), Audience(platform.name, f"bench {time.time_ns()}")
    table = ConditionalTable(cast("Any", Records(ledger_s)), "ledger")
    lease_s = 3 * platform.limits.timeout_s
    now = time.time()
    run = Run(f"{platform.name}#run#bench", 1, RunState.RUNNING, 0, now, now, now + lease_s, 0.0, 0, Progress())
    held = HeldRun(run, Ledger(table, platform.name, lease_s=lease_s, ttl_days=1))
    limits, tier = platform.limits, platform.rate.tier(account.options)
    slots = InFlight.of(limits.in_flight, limits.most_in_flight, in_flight, {_MEMORY: str(MEMORY_MB)})
    http = PooledHttp(connections=slots.most)
    client = PlatformClient(
        publisher=publisher,
        signing=FixedSecret(
            make_signer(_static(platform), version, Tools(http, cast("Any", None), cast("Any", None)))
        ),
        http=http,
        rate_limit=RateLimit(table, f"account#{platform.name}#bench", tier.windows),
        timeout_s=platform.limits.timeout_s,
        worker=Invocation(held, platform.limits.timeout_s),
    )
    reader = open_drop(FileSource(path), single=kind.single)
    batcher = batcher_of(platform, reader.header, kind)
    keys = tuple(field.key for _, field in batcher.fields)
    run.opened = client.execute(publisher.open(audience, keys))
    bucket = Bucket()
    sender = Sender(
        run_id="bench",
        held=held,
        audience=audience,
        destination=KnownDestination(run.opened),
        client=client,
        rejects=Rejects(cast("Any", bucket), "receipts", "bench"),
        slots=Slots(slots, platform.limits.timeout_s, client.worker.time_for_calls_s, tier.steady_per_s),
        limits=platform.limits.narrowed(),
        suppression=Suppression(platform.table, Stored(listed).get),
    )
    before = run.progress.tally.requests
    began = time.perf_counter()
    if kind.hashed:
        scan(
            reader.chunks(Cursor()),
            Cursor(),
            batcher,
            batcher.fields,
            key="",
            keep=lambda *_: None,
            may_go_on=lambda: True,
        )
    sender.send(_spans(batcher, reader))
    return {
        "send_s": time.perf_counter() - began,
        "rows": run.progress.checkpoint.cursor.row,
        "acknowledged": run.progress.tally.acknowledged,
        "requests": run.progress.tally.requests - before,
        "body_bytes": run.progress.tally.bytes_sent,
    }


def _static(platform: Platform) -> Authentication:
    """Return how requests are signed; a platform whose tokens are renewed gets one that lasts."""
    found = platform.authentication
    return StaticToken(header=found.header, prefix=found.prefix) if isinstance(found, OAuth2Refresh) else found


def _spans(batcher: Batcher, reader: DropReader) -> Iterator[Prepared]:
    return batcher.spans(reader.chunks(Cursor()), Cursor(), ())


if __name__ == "__main__":
    from_malloc()
    path, secret, in_flight, ledger_s, *listed = sys.argv[1:]
    platform, identifiers, *lists = listed or ("meta", "")
    kind = Kind(identifiers, hashed=True, single=identifiers) if identifiers else RAW
    one = loaded(platform)
    metered(
        lambda: work(
            Path(path),
            one,
            secret,
            in_flight=int(in_flight),
            ledger_s=float(ledger_s),
            kind=kind,
            listed="".join(lists),
        )
    )
