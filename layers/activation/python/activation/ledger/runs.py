"""The ledger: one record per run in DynamoDB, written only by the worker that holds its fenced lease."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import Lock
from typing import Any

from activation.aws.lease import Changes, Lease, Leases
from activation.aws.table import ConditionalTable, Item, Write, number, read_number, read_text
from activation.errors import ConfigError
from activation.ledger.keys import part_key, run_key, unversioned_key
from activation.ledger.progress import Progress
from activation.ledger.row_counts import Counted, RowCounts
from activation.model import Drop
from activation.platforms.publisher import Opened
from activation.records import from_json, to_json, to_short_json

SCHEMA = 2  # of the record; a reader stops at any other version
AFFIRMED_S = 1.0
_NEW = Progress().to_json()


class RunState(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    WAITING = "waiting"  # for the platform or the audience lock, until a delayed message arrives
    ACCEPTED = "accepted"  # every row is acknowledged, and the platform is processing them
    APPLIED = "applied"
    EMPTY = "empty"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    BLOCKED = "blocked"  # a person has to act; a redrive then resumes the run


FINAL = frozenset({RunState.APPLIED, RunState.EMPTY, RunState.SUPERSEDED})
STOPPED = frozenset({RunState.FAILED, RunState.BLOCKED})


@dataclass
class Run:
    """A run's record as its holder sees it. Times are Unix seconds.

    `pk` is its key and `fence` that of the lease. `state` is the run's, `continuation` the number of the newest
    message that held it. `started_at` is when its first message was handled, `updated_at` when the record was last
    saved, `lease_until` when the lease expires (0 once released), `not_before` when a waiting run is due (0 at
    once). `no_progress` counts invocations in a row that acknowledged nothing although nothing made them wait.
    `progress` is what the next invocation needs. `opened` is the audience at the platform, None before it was
    found or created. `code` and `sentence` are why the run waits or stopped, "" when it does neither.
    `audience_lock` is the key of the lock that the run last acquired, "" before. `message` is the body of the
    message that continues it, as its last worker left it, "" before that and for a run that is final.
    """

    pk: str
    fence: int
    state: RunState
    continuation: int
    started_at: float
    updated_at: float
    lease_until: float
    not_before: float
    no_progress: int
    progress: Progress
    opened: Opened | None = None
    code: str = ""
    sentence: str = ""
    audience_lock: str = ""
    message: str = ""


class Ledger:
    """Reads and writes the records of a connector's runs.

    `lease_s` is how many seconds a lease lasts, longer than any platform call. `ttl_days` is how long a record is
    kept after its run was last worked on, however that ended: a run that stopped is forgotten like one that
    finished. `clock` returns Unix seconds.
    """

    def __init__(
        self,
        table: ConditionalTable,
        connector: str,
        *,
        lease_s: float,
        ttl_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._keep_s = ttl_days * 86_400
        self._leases = Leases(table, keep_s=float(self._keep_s), clock=clock)
        self._connector = connector
        self._lease_s = lease_s
        self._clock = clock

    def key(self, run_id: str, part: int | None = None) -> str:
        """Return the key of a run's record, or of the record of a part of it."""
        return run_key(self._connector, run_id) if part is None else part_key(self._connector, run_id, part)

    def read(self, run_id: str, part: int | None = None) -> Run | None:
        """Read a run, or a part of one, without holding it; None when there is none."""
        item = self._table.read(self.key(run_id, part))
        return _run(item) if item else None

    def note_unversioned(self, drop: Drop) -> None:
        """Record that an object without a version was handled, for who compares its bucket with the ledger.

        A listing does not tell the number of the write that is in the name of its run.
        """
        now = self._clock()
        self._table.update(
            unversioned_key(self._connector, drop.bucket, drop.key, drop.etag),
            "SET updated_at = :now, expires_at = :expires",
            {":now": number(now), ":expires": {"N": str(int(now) + self._keep_s)}},
            condition="attribute_not_exists(pk) OR updated_at <= :now",
        )

    def claim(self, run_id: str, continuation: int, facts: Mapping[str, str], part: int | None = None) -> Run:
        """Acquire the lease of a run, or of a part of one, creating the record when there is none.

        `facts` are texts (audience, key) that a new record keeps for people to read. Raises LeaseHeld while
        another worker holds the lease.
        """
        key, changes = self.key(run_id, part), _claiming(continuation, facts)
        return _run(self._leases.acquire(key, uuid.uuid4().hex, for_s=self._lease_s, changes=changes).record)

    def beginning(self, run_id: str, facts: Mapping[str, str], audience_lock: str) -> tuple[Run, Write]:
        """Return a run that its first message begins, and the write that claims it if there is no record of it.

        The arguments are as in `claim`; `audience_lock` is the key of the lock that is acquired in the same
        transaction.
        """
        now, key = self._clock(), self.key(run_id)
        changes = _claiming(0, {**facts, "audience_lock": audience_lock})
        only_if = "attribute_not_exists(pk)"
        claimed = self._leases.acquiring(
            key, uuid.uuid4().hex, for_s=self._lease_s, changes=changes, only_if=only_if
        )
        run = Run(key, 1, RunState.RUNNING, 0, now, now, now + self._lease_s, 0.0, 0, Progress())
        run.audience_lock = audience_lock
        return run, claimed

    def save(self, run: Run, *, release: bool = False) -> None:
        """Save the record and renew the lease, or release it; raises LeaseLost when another worker holds it."""
        now, changes = self._clock(), self._changes(run, releases=release)
        lease = Lease(run.pk, "", run.fence, run.lease_until)
        if release:
            lease = self._leases.release(lease, changes=changes)
        else:
            lease = self._leases.renew(lease, for_s=self._lease_s, changes=changes)
        run.updated_at, run.lease_until = now, lease.until  # after the write, since one that failed renews nothing

    def ending(self, run: Run) -> Write:
        """Return the write by which `save` saves the record and releases its lease; note it with `released`."""
        lease = Lease(run.pk, "", run.fence, run.lease_until)
        return self._leases.releasing(lease, changes=self._changes(run, releases=True))

    def released(self, run: Run) -> None:
        """Note that the write of `ending` took effect."""
        run.updated_at, run.lease_until = self._clock(), 0.0

    def saved_s_ago(self, run: Run) -> float:
        """Return how many seconds ago the record was last saved, or claimed."""
        return self._clock() - run.updated_at

    def _changes(self, run: Run, *, releases: bool) -> Changes:
        now = self._clock()
        sets = (
            "#state = :state, updated_at = :at, started_at = :started, not_before = :not_before,"
            " no_progress = :no_progress, progress = :progress, rows_acknowledged = :acknowledged,"
            " code = :code, sentence = :sentence, opened = :opened, audience_lock = :lock"
        )
        values: dict[str, Any] = {
            ":state": {"S": run.state},
            ":at": number(now),
            ":started": number(run.started_at),
            ":not_before": number(run.not_before),
            ":no_progress": {"N": str(run.no_progress)},
            ":progress": {"S": run.progress.to_json()},
            ":acknowledged": {"N": str(run.progress.tally.acknowledged)},
            ":code": {"S": run.code},
            ":sentence": {"S": run.sentence},
            ":opened": {"S": _opened_json(run.opened)},
            ":lock": {"S": run.audience_lock},
        }
        if releases:  # lists of runs show it; while a worker holds the run, they read its progress
            counted = Counted(RowCounts.of(run.progress), run.progress.tally.active_s, now)
            sets = f"{sets}, counted = :counted, message = :message"
            values |= {":counted": {"S": to_json(counted)}, ":message": {"S": run.message}}
        return Changes(sets, values, {"#state": "state"})

    def lease_left_s(self, run: Run) -> float:
        """Return the seconds until another worker may claim the run."""
        return run.lease_until - self._clock()


@dataclass
class HeldRun:
    """A claimed run, shared by the threads that send for it; hold `lock` to access its progress or to save it."""

    run: Run
    ledger: Ledger
    lock: Lock = field(default_factory=Lock)
    _saved: str = field(default="", repr=False)  # what the last save kept, "" before

    def save(self, *, release: bool = False) -> None:
        """Save the record; the caller holds `lock` or is the only thread. Raises LeaseLost."""
        self.ledger.save(self.run, release=release)
        self._saved = _kept(self.run)

    def affirm(self) -> None:
        """Save the record, unless that was done within the last second and would change nothing that matters.

        Raises LeaseLost. Whoever has written under the fence so lately has the lease: it lasts for minutes.
        """
        if self._saved != _kept(self.run) or not 0 <= self.ledger.saved_s_ago(self.run) <= AFFIRMED_S:
            self.save()

    def keep(self, at_least_s: float) -> None:
        """Renew the lease when it ends within `at_least_s` seconds; raises LeaseLost."""
        with self.lock:
            if self.ledger.lease_left_s(self.run) < at_least_s:
                self.save()

    def note_sent(self, size_bytes: int, repeated: bool) -> None:
        """Count a request that was sent, and whether it repeated members."""
        with self.lock:
            self.run.progress.tally.requests += 1
            self.run.progress.tally.bytes_sent += size_bytes
            self.run.progress.tally.resent += repeated

    def note_repeat(self, rows: int) -> None:
        """Count events that may be sent twice, and save that before they are: a worker that dies has counted them.

        Fewer are counted, with `rows` below 0, once the platform is known to have refused them. Raises LeaseLost.
        """
        with self.lock:
            self.run.progress.tally.in_doubt += rows
            if rows > 0:
                self.save()


def _claiming(continuation: int, facts: Mapping[str, str]) -> Changes:
    """Return what a claim writes: what a record says already stays, but for the message's number."""
    return Changes(
        "continuation = :continuation, updated_at = :now, started_at = if_not_exists(started_at, :now),"
        " #schema = if_not_exists(#schema, :schema), #state = if_not_exists(#state, :running),"
        " progress = if_not_exists(progress, :progress)"
        + "".join(f", #f{i} = if_not_exists(#f{i}, :f{i})" for i in range(len(facts))),
        {
            ":continuation": {"N": str(continuation)},
            ":schema": {"N": str(SCHEMA)},
            ":running": {"S": RunState.RUNNING},
            ":progress": {"S": _NEW},
            **{f":f{i}": {"S": value} for i, value in enumerate(facts.values())},
        },
        {"#state": "state", "#schema": "schema", **{f"#f{i}": name for i, name in enumerate(facts)}},
    )


def _kept(run: Run) -> str:
    """Return what a save keeps for the next worker, but for what it would find out again or may count anew.

    That is that the end of the file was reached, and how many requests were sent.
    """
    progress = run.progress
    checkpoint = replace(progress.checkpoint, read_whole=False)
    tally = replace(progress.tally, requests=0, bytes_sent=0)
    return f"{to_json(replace(progress, checkpoint=checkpoint, tally=tally))}{_opened_json(run.opened)}"


def _opened_json(opened: Opened | None) -> str:
    return to_short_json(opened) if opened is not None else ""


def _run(item: Item) -> Run:
    schema, state = int(read_number(item, "schema")), RunState(read_text(item, "state"))
    if schema > SCHEMA:
        raise ConfigError("newer_ledger", "the run was recorded by a newer release; deploy that one again")
    if schema < SCHEMA and state not in FINAL:
        raise ConfigError(
            "older_ledger",
            "the run was begun by an earlier release, whose record this one cannot resume; deploy that one until"
            " its runs have ended, or replay the drop by force",
        )
    opened = read_text(item, "opened")
    return Run(
        pk=read_text(item, "pk"),
        fence=int(read_number(item, "fence")),
        state=state,
        continuation=int(read_number(item, "continuation")),
        started_at=read_number(item, "started_at"),
        updated_at=read_number(item, "updated_at"),
        lease_until=read_number(item, "lease_until"),
        not_before=read_number(item, "not_before"),
        no_progress=int(read_number(item, "no_progress")),
        progress=Progress.from_json(read_text(item, "progress")) if schema == SCHEMA else Progress(),
        opened=from_json(opened, Opened) if opened else None,
        code=read_text(item, "code"),
        sentence=read_text(item, "sentence"),
        audience_lock=read_text(item, "audience_lock"),
        message=read_text(item, "message"),
    )
