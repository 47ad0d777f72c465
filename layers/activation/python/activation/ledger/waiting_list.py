"""Who waits for an audience's lock, in the order of arrival, and to whom its holder hands it over.

The lock's own record lists the waiters, one attribute for each, so that one conditional write hands it over: the
lock is the first waiter's before the message that wakes it is sent, and no later run can get in between. What
wakes a waiter is in a record of its own, since all of them read and write the lock's.

A crash anywhere costs time only. Every waiter also has a delayed message with which it tries by itself; the list
says whom to wake sooner, and nothing else. A waiter that is woken without need does what its run's record says. A
lock that was handed to a run that does not come is free again when its reservation ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from activation.aws.table import ConditionalTable, ConditionFailed, Item, Write, number, read_number, read_text
from activation.errors import Retryable
from activation.ledger.keys import waiter_key

RESERVED_S = 60.0  # for a waiter's message to arrive; if it takes longer, anyone may try
MOST_WAITERS = 400  # about 20 kB of the lock's record; the others join when their own messages come
KEPT_S = 86_400  # a waiter's message; the waiter writes it again at least every five minutes
WRITES_MAX = 20  # of one hand-over: each but the last made vain by a run that joined meanwhile
NEVER_JOINED = "attribute_not_exists(joined)"
LISTED = "waiter:"  # before a run's id, the attribute that lists it


@dataclass(frozen=True)
class Waiter:
    """A run that waits for an audience.

    `run_id` is its id and `since` the Unix time at which it began to wait. `message` is what continues it, with
    the number `continuation`, in the queue at `queue_url`.
    """

    run_id: str
    since: float
    continuation: int
    queue_url: str
    message: str


@dataclass(frozen=True)
class WakeUp:
    """The message that wakes the first waiter, and the URL of its queue."""

    queue_url: str
    message: str


class WaitingList:
    """The waiters of audiences, by the keys of the audiences' locks.

    `clock` returns Unix seconds. Every call raises what the table raises.
    """

    def __init__(self, table: ConditionalTable, *, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def join(self, key: str, waiter: Waiter) -> bool:
        """List a waiter, in the place of the time since when it waits, however often it joins.

        Return False when no other run holds the lock: then nobody wakes the waiter, and it should try at once. A
        waiter that finds the list full is not listed, and waits for its own message.
        """
        now = self._clock()
        try:
            self._table.update(
                waiter_key(key, waiter.run_id),
                "SET queue_url = :queue, message = :message, continuation = :this, expires_at = :expires",
                {
                    ":queue": {"S": waiter.queue_url},
                    ":message": {"S": waiter.message},
                    ":this": {"N": str(waiter.continuation)},
                    ":expires": {"N": str(int(now) + KEPT_S)},
                },
                condition="attribute_not_exists(continuation) OR continuation <= :this",
            )
        except ConditionFailed:  # the run has been continued meanwhile, and has joined again
            return True
        try:
            record = self._table.update(
                key,
                "SET #me = :since ADD joined :one",
                {
                    ":since": number(waiter.since),
                    ":one": {"N": "1"},
                    ":now": number(now),
                    ":token": {"S": waiter.run_id},
                },
                condition="lease_until > :now AND lease_token <> :token",
                names={"#me": LISTED + waiter.run_id},
            )
        except ConditionFailed:
            return False
        if len(waiting(record)) > MOST_WAITERS:
            self._leave(key, waiter.run_id, record)
        return True

    def hand_over(self, key: str, run_id: str, seen: Item | None = None) -> WakeUp | None:
        """Take a run off the list and, if it holds the lock, hand that to the first waiter, or free it.

        `seen` is the lock's record as the run's own write left it; without it, it is read. Return what wakes the
        new holder, None when there is none. Raises Retryable when so many runs join meanwhile that the record is
        never as it was read.
        """
        record = seen or self._table.read(key) or {}
        for _ in range(WRITES_MAX):
            if read_text(record, "lease_token") != run_id:
                self._leave(key, run_id, record)
                return None
            first = next((one for one in waiting(record) if one != run_id), "")
            if not first and read_number(record, "lease_until") <= self._clock():
                return None  # it was freed before
            try:
                self._pass_on(key, run_id, first, record)
            except ConditionFailed as failed:
                if not first or read_text(failed.item, "lease_token") != first:
                    record = failed.item  # a run has joined since the record was read
                    continue
                # Else the SDK has repeated a write that took effect.
            return self._wake_up(key, first) if first else None
        raise Retryable("ledger_busy", "the audience's lock changed too often to be handed over", after_s=10)

    def _pass_on(self, key: str, run_id: str, first: str, record: Item) -> None:
        """Hand the lock to `first`, or free it where that is ""; raises ConditionFailed if the record changed."""
        self._table.write(self._passing_on(key, run_id, first, record))

    def freeing(self, key: str, run_id: str, seen: Item) -> Write | None:
        """Return the write by which `hand_over` frees the lock that the run holds; None if a run waits for it."""
        return None if any(one != run_id for one in waiting(seen)) else self._passing_on(key, run_id, "", seen)

    def _passing_on(self, key: str, run_id: str, first: str, record: Item) -> Write:
        listed = [name for one in (run_id, first) if one and (name := LISTED + one) in record]
        names = {f"#w{place}": name for place, name in enumerate(listed)}
        # With nobody left who waits, nobody counts on the number either: nobody can join a lock that is free.
        gone = [*names, *(["joined"] if "joined" in record and not first else [])]
        removed = f" REMOVE {', '.join(gone)}" if gone else ""
        values = {
            ":until": number(self._clock() + RESERVED_S if first else 0.0),
            ":token": {"S": run_id},
            ":next": {"S": first or run_id},
            ":one": {"N": "1"},
        }
        unchanged = NEVER_JOINED
        if "joined" in record:
            unchanged, values[":joined"] = "joined = :joined", record["joined"]
        return Write(
            key,
            f"SET lease_token = :next, lease_until = :until{removed} ADD fence :one",
            values,
            f"lease_token = :token AND {unchanged}",
            names,
        )

    def _leave(self, key: str, run_id: str, record: Item) -> None:
        if (name := LISTED + run_id) in record:
            self._table.update(
                key,
                "SET left_at = :now REMOVE #me",
                {":now": number(self._clock())},
                condition="attribute_exists(pk)",
                names={"#me": name},
            )

    def _wake_up(self, key: str, run_id: str) -> WakeUp | None:
        record = self._table.read(waiter_key(key, run_id))
        return WakeUp(read_text(record, "queue_url"), read_text(record, "message")) if record else None


def waiting(record: Item) -> list[str]:
    """Return the ids of the runs that a lock's record lists, the first to be woken first."""
    return [run_id for run_id, _ in sorted(_places(record).items(), key=lambda one: (one[1], one[0]))]


def ahead_of(record: Item, since: float) -> int:
    """Return how many runs that a lock's record lists have waited longer than one that waits since then."""
    return sum(place < since for place in _places(record).values())


def _places(record: Item) -> Mapping[str, float]:
    return {name.removeprefix(LISTED): read_number(record, name) for name in record if name.startswith(LISTED)}
