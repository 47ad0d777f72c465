"""The ledger: one record per run in DynamoDB, advanced only by the worker that holds its fenced lease."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Any

from activation.aws.lease import Changes, Lease, Leases
from activation.aws.table import ConditionalTable, Item, number, read_number, read_text
from activation.errors import ConfigError
from activation.ledger.keys import part_key, run_key
from activation.ledger.progress import Progress
from activation.platforms.publisher import Opened
from activation.records import from_json, to_json

SCHEMA = 2  # of the record; a reader that meets another one stops rather than guesses


class RunState(StrEnum):
    """Where a run is."""

    RUNNING = "running"
    WAITING = "waiting"  # for the platform or for the audience lock; a delayed message brings it back
    ACCEPTED = "accepted"  # every row acknowledged, the platform still works on them
    APPLIED = "applied"
    EMPTY = "empty"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    BLOCKED = "blocked"  # a person has to act; a redrive goes on where it stopped


FINAL = frozenset({RunState.APPLIED, RunState.EMPTY, RunState.SUPERSEDED})
STOPPED = frozenset({RunState.FAILED, RunState.BLOCKED})


@dataclass
class Run:
    """A run's record as its holder sees it. Times are Unix seconds.

    `continuation` is the number of the newest message that held the run. `no_progress` counts invocations in a row
    that acknowledged nothing although nothing made them wait. `audience_lock` is the key of the lock that the run
    last acquired.
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


class Ledger:
    """Reads and writes run records. `clock` gives Unix seconds; `lease_s` outlasts the longest platform call."""

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
        self._leases = Leases(table, clock=clock)
        self._connector = connector
        self._lease_s = lease_s
        self._ttl_s = ttl_days * 86_400
        self._clock = clock

    def key(self, run_id: str, part: int | None = None) -> str:
        """Return the key of a run's record, or of the record of a part of it."""
        return run_key(self._connector, run_id) if part is None else part_key(self._connector, run_id, part)

    def read(self, run_id: str, part: int | None = None) -> Run | None:
        """Read a run, or a part of one, without holding it; None when there is none."""
        item = self._table.read(self.key(run_id, part))
        return _run(item) if item else None

    def claim(self, run_id: str, continuation: int, facts: Mapping[str, str], part: int | None = None) -> Run:
        """Acquire the lease of a run, or of a part of one, creating the record when there is none.

        `facts` are texts noted for people with a new record (audience, key); they are not read back. Raises
        LeaseHeld while another worker holds the lease.
        """
        changes = Changes(
            "continuation = :continuation, updated_at = :now, started_at = if_not_exists(started_at, :now),"
            " #schema = if_not_exists(#schema, :schema), #state = if_not_exists(#state, :running),"
            " progress = if_not_exists(progress, :progress)"
            + "".join(f", #f{i} = if_not_exists(#f{i}, :f{i})" for i in range(len(facts))),
            {
                ":continuation": {"N": str(continuation)},
                ":schema": {"N": str(SCHEMA)},
                ":running": {"S": RunState.RUNNING},
                ":progress": {"S": Progress().to_json()},
                **{f":f{i}": {"S": value} for i, value in enumerate(facts.values())},
            },
            {"#state": "state", "#schema": "schema", **{f"#f{i}": name for i, name in enumerate(facts)}},
        )
        key = self.key(run_id, part)
        return _run(self._leases.acquire(key, uuid.uuid4().hex, for_s=self._lease_s, changes=changes).record)

    def save(self, run: Run, *, release: bool = False) -> None:
        """Record the run's progress and renew the lease, or release it; raises LeaseLost when it is another's."""
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
        if run.state in FINAL:
            sets += ", expires_at = :expires"
            values[":expires"] = {"N": str(int(now) + self._ttl_s)}
        changes = Changes(sets, values, {"#state": "state"})
        lease = Lease(run.pk, "", run.fence, run.lease_until)
        if release:
            lease = self._leases.release(lease, changes=changes)
        else:
            lease = self._leases.renew(lease, for_s=self._lease_s, changes=changes)
        run.updated_at, run.lease_until = now, lease.until  # only now: a write that failed has renewed nothing

    def lease_left_s(self, run: Run) -> float:
        """Give the seconds until another worker may take the run."""
        return run.lease_until - self._clock()


@dataclass
class HeldRun:
    """A claimed run, shared by the threads that send for it; take `lock` to touch its progress or to save it."""

    run: Run
    ledger: Ledger
    lock: Lock = field(default_factory=Lock)

    def save(self, *, release: bool = False) -> None:
        """Record the run; the caller has the lock or is alone. Raises LeaseLost."""
        self.ledger.save(self.run, release=release)

    def keep(self, at_least_s: float) -> None:
        """Renew the lease when it ends within `at_least_s` seconds; raises LeaseLost."""
        with self.lock:
            if self.ledger.lease_left_s(self.run) < at_least_s:
                self.save()

    def note_sent(self, size_bytes: int, repeated: bool) -> None:
        """Count a request that is about to be sent."""
        with self.lock:
            self.run.progress.tally.requests += 1
            self.run.progress.tally.bytes_sent += size_bytes
            self.run.progress.tally.resent += repeated


def _opened_json(opened: Opened | None) -> str:
    return to_json(opened) if opened is not None else ""


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
    )
