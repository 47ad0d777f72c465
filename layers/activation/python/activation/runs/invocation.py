"""What one invocation does for the record it claimed, whether a run's or a part's of a large run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from activation.aws.clients import Clients
from activation.drops.chunk import Chunk, DropReader
from activation.drops.columns import MappedColumns, map_columns
from activation.drops.locate import Located
from activation.drops.messages import Work
from activation.drops.open import open_drop
from activation.drops.plaintext_scan import screen
from activation.drops.ranges import Piece, piece_chunks
from activation.drops.reading import Reading
from activation.drops.source import S3Source
from activation.errors import Rejected, Retryable
from activation.identifiers.column_map import from_metadata, merged
from activation.identifiers.table import Context, Field
from activation.ledger.audience_lock import AudienceLocks
from activation.ledger.keys import audience_key, rate_key
from activation.ledger.runs import HeldRun
from activation.model import Cursor
from activation.pipeline.batching import Batcher, Prepared
from activation.pipeline.client import OutOfTime, PlatformClient
from activation.pipeline.rate_limit import RateLimits
from activation.pipeline.sending import Sender
from activation.platforms.http import Http
from activation.platforms.limits import Limits
from activation.platforms.platform import Platform
from activation.platforms.publisher import Opened, Publisher
from activation.platforms.rate import Scope
from activation.report import receipts
from activation.report.receipts import Identity
from activation.report.rejects import Rejects
from activation.runs.secret import ConnectorSecret, other_account
from activation.runs.settings import FunctionSettings

MARGIN_S = 20.0  # seconds kept for what follows the last platform call: a ledger write, a receipt, a message
MAX_DELAY_S = 900  # the longest an SQS message can be delayed
NO_PROGRESS_MAX = 20
WAITS = frozenset(
    {"throttled", "busy", "audience_locked", "pending"}
)  # codes of waits that only the deadline bounds


@dataclass
class Invocation:
    """A claimed record, and what one invocation needs to advance it.

    `identity` is whose run it is, `located` what its key says, `held` the claimed record. `settings` are the
    connector's, `clients` those of AWS. `platform` is where the run sends, `secret` signs its requests and `http`
    carries them. `locks` are the audiences' locks, `rate_limits` those of this worker. `time_left_s` returns the
    seconds that the invocation has left. `crashed` says that the record's last worker died while it held the
    lease. `clock` returns Unix seconds; `sleep` takes seconds.
    """

    identity: Identity
    located: Located
    held: HeldRun
    settings: FunctionSettings
    clients: Clients
    platform: Platform
    secret: ConnectorSecret
    http: Http
    locks: AudienceLocks
    rate_limits: RateLimits
    time_left_s: Callable[[], float]
    crashed: bool
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self._began = self.clock()
        self.stem = receipts.stem(self.identity.audience, self.identity.run_id)
        self.rejects = Rejects(self.clients.s3, self.settings.receipts_bucket, self.stem)
        self.keys: tuple[str, ...] = ()
        self._done_before = self.held.run.progress.work_done

    @property
    def work(self) -> Work:
        """Return the message that started this invocation."""
        return self.identity.work

    def acquire_audience(self, publisher: Publisher, *, begun: bool) -> None:
        """Acquire the audience's lock, unless a newer version of the object has been sent.

        Raises AudienceLocked and Superseded. Raises ConfigError when the run has `begun` in one ad account and the
        secret is now for another. Raises Rejected when the message asks by id for the account that the secret
        names: a drop without an id goes there already, so this would be a second run of it.
        """
        audience, run = self.identity.audience, self.held.run
        if audience.account and not begun and self.secret.names(audience.account):
            raise Rejected(
                "own_account",
                "ad_account names the account of the connector's secret; leave it out to send the drop there",
            )
        lock = audience_key(self.platform.name, publisher.account.account_id, audience.name)
        if begun and run.audience_lock not in (lock, ""):
            raise other_account()
        run.audience_lock = lock
        self.locks.acquire(lock, self.identity.run_id)
        self.locks.check_order(self.work.drop, audience.connector, audience.account)

    def find_publisher(self) -> Publisher:
        """Return the publisher of the run's ad account; raises what reading the secret raises."""
        return self.platform.publisher(self.secret.account(self.identity.audience.account))

    def platform_client(self, publisher: Publisher) -> PlatformClient:
        """Return the client that sends this invocation's requests."""
        rate, timeout_s = self.platform.rate, self.platform.limits.timeout_s
        shared_with = publisher.account.account_id if rate.scope is Scope.ACCOUNT else self.settings.secret_arn
        return PlatformClient(
            publisher=publisher,
            signing=self.secret,
            http=self.http,
            rate_limit=self.rate_limits.of(
                rate_key(self.platform.name, rate.scope, shared_with),
                rate.tier(publisher.account.options).windows,
            ),
            timeout_s=timeout_s,
            time_left_s=lambda: self.time_left_s() - MARGIN_S,
            # A call that never quite goes silent may take twice its timeout.
            keep_lease=lambda: self.held.keep(2 * timeout_s + MARGIN_S),
            note_sent=self.held.note_sent,
            sleep=self.sleep,
        )

    def open_drop(self) -> tuple[DropReader, MappedColumns]:
        """Open the drop and map its columns to fields, noting both in the plan; raises what the reader raises."""
        drop, kind, progress = self.work.drop, self.located.kind, self.held.run.progress
        source = S3Source.of(self.clients.s3, drop.bucket, drop.key, drop.version_id)
        if progress.plan.etag not in ("", source.etag):
            raise Rejected("object_changed", "the object has changed since this run began; nothing more is sent")
        reading = progress.plan.reading or self._reading_now(source.metadata)
        reader = open_drop(
            source,
            single=kind.single,
            declared_encoding=reading.encoding or None,
            declared_delimiter=reading.delimiter or None,
        )
        mapped = map_columns(self.platform.table, reader.header, kind, reading.columns, reader.nested)
        self.keys = tuple(field.key for _, field in mapped.fields)
        with self.held.lock:
            progress.plan.etag, progress.plan.format = source.etag, reader.format
            progress.plan.reading = reading
            progress.plan.proposed_columns = dict(mapped.proposed)
            progress.plan.columns, progress.plan.ignored_columns = dict(mapped.used), list(mapped.ignored)
        return reader, mapped

    def send(self, client: PlatformClient, opened: Callable[[], Opened], piece: Piece | None = None) -> bool:
        """Send what is left of the drop, or of a piece of it; returns False when time ran out first."""
        run, limits = self.held.run, self.platform.limits
        in_flight = self.settings.requests_in_flight or limits.in_flight
        if self.crashed:
            run.progress.checkpoint.suspects = max(run.progress.checkpoint.suspects, in_flight)
        sender = Sender(
            run_id=self.identity.run_id,
            held=self.held,
            audience=self.identity.audience,
            publisher=client.publisher,
            open=opened,
            open_again=lambda: self._open_again(opened),
            opened_now=self._opened_now,
            client=client,
            rejects=self.rejects,
            in_flight=in_flight,
            limits=self._limits,
            may_start=lambda: self.time_left_s() > limits.timeout_s + MARGIN_S,
        )
        return sender.send(self._spans(piece))

    def _open_again(self, opened: Callable[[], Opened]) -> Opened:
        """Look for the audience again: an upload whose answer was lost may have created it."""
        with self.held.lock:
            self.held.run.opened = None
            self.held.run.progress.attempts.created = True
        return opened()

    def _opened_now(self, opened: Opened) -> None:
        """Record the audience that an upload has created."""
        with self.held.lock:
            self.held.run.opened = opened
            self.held.save()

    @property
    def _limits(self) -> Limits:
        """Return the platform's limits, narrowed by the connector's settings."""
        return self.platform.limits.narrowed(
            max_rows=self.settings.max_rows_per_request, max_bytes=self.settings.max_bytes_per_request
        )

    def _reading_now(self, metadata: Mapping[str, str]) -> Reading:
        """Return how the drop is read by the settings and its own metadata; a run that began keeps to its plan.

        Else a resumed run would cut other batches. Raises Rejected for metadata that cannot be read.
        """
        settings = self.settings
        own, date_order = from_metadata(metadata)
        return Reading(
            replace(settings.context, date_order=date_order or settings.context.date_order),
            settings.encoding,
            settings.delimiter,
            merged(settings.columns, own),
        )

    @property
    def _context(self) -> Context:
        """Return how cells are read: as when the run began."""
        reading = self.held.run.progress.plan.reading
        return reading.context if reading else self.settings.context

    def _spans(self, piece: Piece | None) -> Iterator[Prepared]:
        kind, progress = self.located.kind, self.held.run.progress
        reader, mapped = self.open_drop()
        batcher = Batcher(
            table=self.platform.table,
            fields=mapped.fields,
            context=self._context,
            hashed=kind.hashed,
            max_rows=self._limits.rows_of(field for _, field in mapped.fields),
            several=mapped.several,
        )
        if kind.hashed and not progress.checkpoint.scanned_whole:
            self.scan(reader, mapped.columns, self.platform.limits.timeout_s, piece)
        chunks = _chunks(reader, piece, progress.checkpoint.cursor)
        yield from batcher.spans(chunks, progress.checkpoint.cursor, frozenset(progress.checkpoint.ahead))

    def scan(
        self, reader: DropReader, fields: Sequence[tuple[int, Field]], timeout_s: float, piece: Piece | None = None
    ) -> None:
        """Scan a hashed drop, or a piece of it, for plaintext values.

        Raises OutOfTime when the scan needs another invocation, and what the scan raises for a plaintext value.
        """
        progress = self.held.run.progress
        reached, whole = screen(
            _chunks(reader, piece, progress.checkpoint.scanned),
            progress.checkpoint.scanned,
            fields=fields,
            context=self._context,
            may_go_on=lambda: self.keep_and_may_go_on(timeout_s),
        )
        with self.held.lock:
            progress.checkpoint.scanned, progress.checkpoint.scanned_whole = reached, whole
            self.held.save()
        if not whole:
            raise OutOfTime("out_of_time", "the drop is still being scanned for plaintext values", after_s=1)

    def keep_and_may_go_on(self, timeout_s: float) -> bool:
        """Keep the lease while nothing is sent, and return whether there is time to go on."""
        self.held.keep(timeout_s + MARGIN_S)
        return self.time_left_s() > timeout_s + MARGIN_S

    def stalled(self) -> bool:
        """Count this invocation, at its end; return True when too many in a row made no progress."""
        run = self.held.run
        moved = run.progress.work_done > self._done_before
        run.no_progress = 0 if moved else run.no_progress + 1
        return run.no_progress > NO_PROGRESS_MAX

    def wait_s(self, error: Retryable) -> float | None:
        """Return the seconds until the next attempt, None when there were too many without progress.

        It is the wait that the platform asked for, or an exponential backoff after a fault.
        """
        if error.code in WAITS:
            return error.after_s
        if self.stalled():
            return None
        backoff_s = 5.0 * 2.0**self.held.run.no_progress
        return max(error.after_s, min(MAX_DELAY_S, backoff_s))

    def queue_next(self, wait_s: float) -> None:
        """Queue the record's next message, delayed by `wait_s` seconds or by SQS's maximum."""
        self.clients.sqs.send_message(
            QueueUrl=self.settings.queue_url,
            MessageBody=self.work.next_message(),
            DelaySeconds=max(1, min(MAX_DELAY_S, round(wait_s))),
        )

    def note_time(self) -> None:
        """Add the time since the invocation began, or since the last call, to the run's active time."""
        now = self.clock()
        self.held.run.progress.tally.active_s += now - self._began
        self._began = now


def _chunks(reader: DropReader, piece: Piece | None, start: Cursor) -> Iterator[Chunk]:
    return reader.chunks(start) if piece is None else piece_chunks(reader, piece, start)
