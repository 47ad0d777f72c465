"""The ledger: one record per run in DynamoDB, advanced only by the worker that holds its fenced lease."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Any

from activation.aws.table import ConditionalTable, ConditionFailed, Item, number, read_number, read_text
from activation.errors import ConfigError
from activation.ledger.progress import Progress
from activation.platforms.publisher import Opened
from activation.records import from_json, to_json

SCHEMA = 2  # of the record; a reader that meets another one stops rather than guesses


class State(StrEnum):
    """Where a run is."""

    RUNNING = "running"
    WAITING = "waiting"  # for the platform or for its turn; a delayed message brings it back
    ACCEPTED = "accepted"  # every row acknowledged, the platform still works on them
    APPLIED = "applied"
    EMPTY = "empty"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    BLOCKED = "blocked"  # a person has to act; a redrive goes on where it stopped


FINAL = frozenset({State.APPLIED, State.EMPTY, State.SUPERSEDED})
STOPPED = frozenset({State.FAILED, State.BLOCKED})


class LeaseHeld(Exception):
    """Another worker holds the run for up to `for_s` more seconds."""

    def __init__(self, for_s: float) -> None:
        super().__init__("the run is held by another worker")
        self.for_s = for_s


class LeaseLost(Exception):
    """Another worker took the run over; this one must stop and may record nothing."""


@dataclass
class Run:
    """A run's record as its holder sees it. Times are Unix seconds.

    `hop` is that of the newest message that held the run. `no_progress` counts invocations in a row that
    acknowledged nothing although nothing made them wait. `turn` is the audience's turn that the run last took.
    """

    pk: str
    fence: int
    state: State
    hop: int
    started_at: float
    updated_at: float
    lease_until: float
    not_before: float
    no_progress: int
    progress: Progress
    opened: Opened | None = None
    code: str = ""
    sentence: str = ""
    turn: str = ""


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
        self._connector = connector
        self._lease_s = lease_s
        self._ttl_s = ttl_days * 86_400
        self._clock = clock

    def key(self, run_id: str, part: int | None = None) -> str:
        """Give the record's partition key; the parts of a run have records that no list of runs holds."""
        return f"{self._connector}#run#{run_id}" if part is None else f"{self._connector}#part#{run_id}#{part}"

    def read(self, run_id: str, part: int | None = None) -> Run | None:
        """Read a run, or a part of one, without holding it; None when there is none."""
        item = self._table.read(self.key(run_id, part))
        return _run(item) if item else None

    def claim(self, run_id: str, hop: int, facts: Mapping[str, str], part: int | None = None) -> Run:
        """Take the lease of a run, or of a part of one, making the record when there is none.

        `facts` are texts noted for people with a new record (audience, key); they are not read back.
        Raises LeaseHeld while another worker's lease runs. A claim whose answer was lost and that the SDK
        repeated is recognised as one's own by its token.
        """
        now, token = self._clock(), uuid.uuid4().hex
        sets = "".join(f", #f{i} = if_not_exists(#f{i}, :f{i})" for i in range(len(facts)))
        try:
            item = self._table.update(
                self.key(run_id, part),
                "SET lease_until = :until, lease_token = :token, hop = :hop, updated_at = :now,"
                " started_at = if_not_exists(started_at, :now), #schema = if_not_exists(#schema, :schema),"
                " #state = if_not_exists(#state, :running), progress = if_not_exists(progress, :progress)"
                f"{sets} ADD fence :one",
                {
                    ":until": number(now + self._lease_s),
                    ":token": {"S": token},
                    ":hop": {"N": str(hop)},
                    ":now": number(now),
                    ":schema": {"N": str(SCHEMA)},
                    ":running": {"S": State.RUNNING},
                    ":progress": {"S": Progress().to_json()},
                    ":one": {"N": "1"},
                    **{f":f{i}": {"S": value} for i, value in enumerate(facts.values())},
                },
                condition="attribute_not_exists(pk) OR lease_until < :now",
                names={
                    "#state": "state",
                    "#schema": "schema",
                    **{f"#f{i}": name for i, name in enumerate(facts)},
                },
            )
        except ConditionFailed as failed:
            if read_text(failed.item, "lease_token") != token:
                raise LeaseHeld(read_number(failed.item, "lease_until") - now) from None
            item = failed.item
        return _run(item)

    def save(self, run: Run, *, release: bool = False) -> None:
        """Record the run's progress and renew the lease, or release it; raises LeaseLost when it is another's.

        Writing the same twice is harmless, so a lost answer may be repeated.
        """
        now = self._clock()
        until = 0.0 if release else now + self._lease_s
        values: dict[str, Any] = {
            ":fence": {"N": str(run.fence)},
            ":until": number(until),
            ":state": {"S": run.state},
            ":now": number(now),
            ":started": number(run.started_at),
            ":not_before": number(run.not_before),
            ":no_progress": {"N": str(run.no_progress)},
            ":progress": {"S": run.progress.to_json()},
            ":acknowledged": {"N": str(run.progress.tally.acknowledged)},
            ":code": {"S": run.code},
            ":sentence": {"S": run.sentence},
            ":opened": {"S": _opened_json(run.opened)},
            ":turn": {"S": run.turn},
        }
        expires = ""
        if run.state in FINAL:
            expires = ", expires_at = :expires"
            values[":expires"] = {"N": str(int(now) + self._ttl_s)}
        try:
            self._table.update(
                run.pk,
                "SET lease_until = :until, #state = :state, updated_at = :now,"
                " started_at = :started, not_before = :not_before,"
                " no_progress = :no_progress, progress = :progress, rows_acknowledged = :acknowledged,"
                f" code = :code, sentence = :sentence, opened = :opened, turn = :turn{expires}",
                values,
                condition="fence = :fence",
                names={"#state": "state"},
            )
        except ConditionFailed:
            raise LeaseLost from None
        run.updated_at, run.lease_until = now, until  # only now: a write that failed has renewed nothing

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
    schema, state = int(read_number(item, "schema")), State(read_text(item, "state"))
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
        hop=int(read_number(item, "hop")),
        started_at=read_number(item, "started_at"),
        updated_at=read_number(item, "updated_at"),
        lease_until=read_number(item, "lease_until"),
        not_before=read_number(item, "not_before"),
        no_progress=int(read_number(item, "no_progress")),
        progress=Progress.from_json(read_text(item, "progress")) if schema == SCHEMA else Progress(),
        opened=from_json(opened, Opened) if opened else None,
        code=read_text(item, "code"),
        sentence=read_text(item, "sentence"),
        turn=read_text(item, "turn"),
    )
