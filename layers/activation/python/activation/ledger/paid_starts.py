"""Starts that cost money and that AWS does not recognise when repeated: claimed first, a lost answer settled.

Neither `StartJobRun` of Glue nor `StartProtectedQuery` of Clean Rooms has a client token. So each start has a
record: it is claimed before the call, and a call whose answer was lost is looked for before another one is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import ErrorKind, classify, code_of, kind_of
from activation.aws.lease import Changes, Lease, LeaseLost, Leases
from activation.aws.table import ConditionalTable, ConditionFailed, Item, number, read_number, read_text
from activation.errors import ConfigError, Retryable

LEASE_S = 120.0  # longer than the call and what is around it may take
# After so long, what a call whose answer was lost has started shows up in AWS's lists.
SETTLE_S = 120.0
# Whatever AWS answers with these, it has started nothing. Others of its answers, and none, leave it open.
_REFUSED_STATUS = range(400, 500)
# Unless it says that it gave up, which Glue does with HTTP 400:
# https://docs.aws.amazon.com/glue/latest/webapi/API_StartJobRun.html, read 2026-11-30
_GAVE_UP = frozenset(("OperationTimeoutException", "RequestTimeout", "RequestTimeoutException"))

# When a write finds what was read before it: the same, no record, or its own result if the SDK repeats it.
_AS_SEEN = (
    "#state = :seen AND attempt = :before",
    "attribute_not_exists(#state)",
    "#state = :state AND attempt = :attempt AND attempted_at = :at",
)


class StartState(StrEnum):
    """What has become of a start."""

    NEW = "new"  # nothing was started: there is no record, or AWS has refused
    STARTING = "starting"  # the call is being made, or its answer was lost
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


ENDED = frozenset((StartState.SUCCEEDED, StartState.FAILED))


class Starter(Protocol):
    """One paid call, and the search for what it has started."""

    def start(self, token: str) -> str:
        """Make the call, whose client must not repeat it, and return the id of what was started.

        `token` is new for each attempt; what was started must be found by it. Raises what the SDK raises.
        """
        ...

    def find(self, token: str, since: float) -> str:
        """Return the id of what an attempt has started since a time in Unix seconds, "" where there is nothing.

        Raises what the SDK raises, and ConfigError where it is in doubt: a person has to look.
        """
        ...


@dataclass(frozen=True)
class PaidStart:
    """A start as its record says.

    `attempt` counts from 1, 0 before the first. `id` is AWS's id of what the last attempt started, "" for none.
    `at` is when that attempt was made, in Unix seconds. `reason` is the code of why it failed, "" if it has not.
    """

    key: str
    state: StartState = StartState.NEW
    attempt: int = 0
    id: str = ""
    at: float = 0.0
    reason: str = ""

    @property
    def token(self) -> str:
        """Return the token of the last attempt."""
        return token_of(self.key, self.attempt)


def token_of(key: str, attempt: int) -> str:
    """Return the token of an attempt, in which AWS may show the record's key to whoever lists runs."""
    return f"{key}@{attempt}"


def is_refused(error: ClientError | BotoCoreError) -> bool:
    """Return whether a call has started nothing for certain: AWS has refused it, or the SDK has not sent it."""
    if not isinstance(error, ClientError):
        return kind_of(error) is ErrorKind.REQUEST
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status in _REFUSED_STATUS and status != 408 and code_of(error) not in _GAVE_UP


class PaidStarts:
    """Makes starts and records what became of them.

    `keep_s` is for how many seconds a record is kept after its last write: as long as an event may be repeated.
    `clock` returns Unix seconds.
    """

    def __init__(self, table: ConditionalTable, *, keep_s: float, clock: Callable[[], float] = time.time) -> None:
        self._table, self._clock, self._keep_s = table, clock, keep_s
        self._leases = Leases(table, keep_s=keep_s, clock=clock)

    def read(self, key: str) -> PaidStart:
        """Return a start as it stands."""
        return _read(key, self._table.read(key) or {})

    def begin(self, key: str, starter: Starter, *, after: int = 0) -> PaidStart:
        """Start once, and return the start as it stands then.

        A start that was made already is returned as it is. One that has failed is made again only if `after` is
        the number of its failed attempt, so that one wish for a retry makes one attempt.

        Raises LeaseHeld while another worker is at it; Retryable (start_unsettled) while it is not known whether a
        call has started something; what `starter` raises where AWS refused: that attempt does not count.
        """
        seen = self.read(key)
        if _is_settled(seen, after):
            return seen
        lease = self._leases.acquire(key, uuid4().hex, for_s=LEASE_S)
        seen = _read(key, lease.record)
        try:
            if _is_settled(seen, after):
                return seen
            if seen.state is StartState.STARTING and (found := self._found(seen, starter)):
                lease = self._write(lease, replace(seen, state=StartState.STARTED, id=found))
                return _read(key, lease.record)
            attempt = seen.attempt if seen.state is StartState.STARTING else seen.attempt + 1
            starting = PaidStart(key, StartState.STARTING, attempt, at=self._clock())
            try:
                lease = self._write(lease, starting, seen)
            except LeaseLost:  # an adoption or an end came between, or another worker, which the release tells
                return self.read(key)
            lease = self._call(lease, starting, starter)
            return _read(key, lease.record)
        finally:
            self._leases.release(lease)

    def finish(self, key: str, id_: str, state: StartState, reason: str = "") -> bool:
        """Record how what was started has ended; return False if that is recorded already, or is of another id."""
        try:
            self._table.update(
                key,
                "SET #state = :state, reason = :reason, expires_at = :expires",
                {
                    ":state": {"S": state},
                    ":reason": {"S": reason},
                    ":expires": {"N": str(int(self._clock() + self._keep_s))},
                    ":started": {"S": StartState.STARTED},
                    ":id": {"S": id_},
                },
                condition="#state = :started AND started_id = :id",
                names={"#state": "state"},
            )
        except ConditionFailed:
            return False
        return True

    def abandon(self, key: str, attempt: int, reason: str) -> bool:
        """Record that an attempt has failed of which it stays unknown whether it has started something.

        Return False if that is recorded already, or if it is known by now what became of the attempt.
        """
        try:
            self._table.update(
                key,
                "SET #state = :state, reason = :reason, expires_at = :expires",
                {
                    ":state": {"S": StartState.FAILED},
                    ":reason": {"S": reason},
                    ":expires": {"N": str(int(self._clock() + self._keep_s))},
                    ":starting": {"S": StartState.STARTING},
                    ":attempt": {"N": str(attempt)},
                },
                condition="#state = :starting AND attempt = :attempt",
                names={"#state": "state"},
            )
        except ConditionFailed:
            return False
        return True

    def adopt(self, start: PaidStart, id_: str) -> bool:
        """Record what an abandoned attempt has started after all; return False if the record has changed."""
        try:
            self._table.update(
                start.key,
                "SET #state = :state, started_id = :id, reason = :none, expires_at = :expires",
                {
                    ":state": {"S": StartState.STARTED},
                    ":id": {"S": id_},
                    ":none": {"S": ""},
                    ":expires": {"N": str(int(self._clock() + self._keep_s))},
                    ":failed": {"S": StartState.FAILED},
                    ":attempt": {"N": str(start.attempt)},
                    ":reason": {"S": start.reason},
                },
                condition="#state = :failed AND attempt = :attempt AND reason = :reason",
                names={"#state": "state"},
            )
        except ConditionFailed:
            return False
        return True

    def _found(self, seen: PaidStart, starter: Starter) -> str:
        """Return what an attempt without an answer has started, "" once it is certain that it started nothing."""
        # Before the search: what shows up while it is on its way would be missed.
        waits_s = SETTLE_S - (self._clock() - seen.at)
        found = starter.find(seen.token, seen.at)
        if not found and waits_s > 0:
            raise _unsettled(waits_s)
        return found

    def _call(self, lease: Lease, starting: PaidStart, starter: Starter) -> Lease:
        try:
            found = starter.start(starting.token)
        except (ClientError, BotoCoreError) as error:
            if not is_refused(error):
                raise _unsettled(SETTLE_S) from error
            # The attempt does not count: it stands as before, after the failed one that it was to repeat.
            state = StartState.FAILED if starting.attempt > 1 else StartState.NEW
            self._write(lease, replace(starting, state=state, attempt=starting.attempt - 1))
            raise
        return self._write(lease, replace(starting, state=StartState.STARTED, id=found))

    def _write(self, lease: Lease, start: PaidStart, seen: PaidStart | None = None) -> Lease:
        """Record a start; with `seen` only if the record is still that, as `adopt` and others take no lease."""
        was: Item = {} if seen is None else {":seen": {"S": seen.state}, ":before": {"N": str(seen.attempt)}}
        return self._leases.renew(
            lease,
            for_s=LEASE_S,
            only_if=_AS_SEEN if seen else (),
            changes=Changes(
                "#state = :state, attempt = :attempt, attempted_at = :at, started_id = :id, reason = :reason",
                {
                    ":state": {"S": start.state},
                    ":attempt": {"N": str(start.attempt)},
                    ":at": number(start.at),
                    ":id": {"S": start.id},
                    ":reason": {"S": start.reason},
                    **was,
                },
                {"#state": "state"},
            ),
        )


def _is_settled(seen: PaidStart, after: int) -> bool:
    if seen.state is StartState.FAILED:
        return seen.attempt != after
    return seen.state in (StartState.STARTED, StartState.SUCCEEDED)


def _read(key: str, record: Item) -> PaidStart:
    return PaidStart(
        key,
        StartState(read_text(record, "state") or StartState.NEW),
        int(read_number(record, "attempt")),
        read_text(record, "started_id"),
        read_number(record, "attempted_at"),
        read_text(record, "reason"),
    )


def _unsettled(after_s: float) -> Retryable:
    return Retryable(
        "start_unsettled",
        "AWS did not answer whether it has started; it is looked for before anything is started again",
        after_s=after_s,
    )


def refusal(error: ClientError, *, busy: frozenset[str] = frozenset()) -> Retryable | ConfigError:
    """Return the error for a start that AWS refused; `busy` are the service's own codes of a limit that passes."""
    if code_of(error) in busy:
        return Retryable("start_waits", "as much runs as may run at once; it starts later", after_s=60.0)
    return classify(error, code="start")
