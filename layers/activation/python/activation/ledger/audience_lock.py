"""One run at a time for each audience, and no older version of an object after a newer one."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import MappingProxyType

from activation.aws.lease import LeaseHeld, Leases
from activation.aws.table import ConditionalTable, ConditionFailed, Item, Write, number, read_number, read_text
from activation.ledger.keys import newest_version_key
from activation.ledger.waiting_list import NEVER_JOINED, Waiter, WaitingList, WakeUp
from activation.model import Drop

_FREED: Item = MappingProxyType({"freed": {"BOOL": True}})
SEQUENCER_DIGITS = 64  # S3 documents no length; 16 to 18 digits have been seen


class AudienceLocked(Exception):
    """Another run holds the audience's lock, which expires in at most `for_s` seconds.

    `record` is the lock's.
    """

    def __init__(self, for_s: float, record: Item = MappingProxyType({})) -> None:
        super().__init__("another run is writing to the audience")
        self.for_s = for_s
        self.record = record


class Superseded(Exception):
    """A newer run has already begun that this one must not undo; `sentence` says which."""

    sentence = "a newer version of this object was sent before this one"

    def __init__(self, sentence: str = sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class AudienceLocks:
    """The locks of audiences: a run holds one from its first request to its end, and each invocation extends it.

    `lock_s` is how many seconds a lock outlasts its holder's last message, so how long a run that died without
    releasing it can block the next one. `ttl_days` is how long an object's newest version is remembered, and how
    long the record of a lock outlasts the lock.
    `clock` returns Unix seconds.
    """

    def __init__(
        self,
        table: ConditionalTable,
        *,
        lock_s: float = 3600.0,
        ttl_days: int = 400,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._leases = Leases(table, keep_s=ttl_days * 86_400.0, clock=clock)
        self._waiting = WaitingList(table, clock=clock)
        self._lock_s = lock_s
        self._ttl_s = ttl_days * 86_400
        self._clock = clock
        self._seen: tuple[str, Item] = ("", {})  # the lock that was last acquired, and its record then

    def acquire(self, key: str, run_id: str, *, for_s: float = 0.0) -> None:
        """Acquire an audience's lock, or extend it to at least `for_s` seconds from now; raises AudienceLocked.

        `key` is the audience's, as `audience_key` returns it.
        """
        try:
            lease = self._leases.acquire(key, run_id, for_s=max(self._lock_s, for_s), extend=True)
        except LeaseHeld as held:
            raise AudienceLocked(held.for_s, held.record) from None
        self._seen = (key, lease.record)

    def acquiring(self, key: str, run_id: str) -> Write:
        """Return the write that acquires a lock for which no run has waited since it was last free."""
        return self._leases.acquiring(key, run_id, for_s=self._lock_s, extend=True, only_if=NEVER_JOINED)

    def acquired(self, key: str, run_id: str) -> None:
        """Note that the write of `acquiring` took effect."""
        self._seen = (key, {"lease_token": {"S": run_id}, "lease_until": number(self._clock() + self._lock_s)})

    def freed(self, key: str) -> None:
        """Note that the write of `freeing` took effect, so that `release` has nothing left to do."""
        self._seen = (key, _FREED)

    def freeing(self, key: str, run_id: str) -> Write | None:
        """Return the write that frees a lock, None where a run waited for it when it was last seen.

        That was when this process acquired it for the run; also None where it did not.
        """
        record = self._record_of(key, run_id)
        return self._waiting.freeing(key, run_id, record) if record else None

    def _record_of(self, key: str, run_id: str) -> Item | None:
        seen, record = self._seen
        return record if seen == key and read_text(record, "lease_token") == run_id else None

    def release(self, key: str, run_id: str) -> WakeUp | None:
        """Release the lock, unless another run holds it by now or `key` is "".

        Return what wakes the run that has it next, None when nobody waits for it.
        """
        is_freed = self._seen == (key, _FREED)
        seen, self._seen = self._record_of(key, run_id), ("", {})
        if is_freed:
            return None
        return self._waiting.hand_over(key, run_id, seen) if key else None

    def join(self, key: str, waiter: Waiter) -> bool:
        """Have a run woken when it has the lock; return False when it should try at once, see WaitingList.join."""
        return self._waiting.join(key, waiter)

    def is_held_by(self, key: str, run_id: str) -> bool:
        """Return whether the run holds the lock, or has it reserved; False when `key` is ""."""
        record = (self._table.read(key) if key else None) or {}
        return read_text(record, "lease_token") == run_id and read_number(record, "lease_until") > self._clock()

    def check_order(self, drop: Drop, connector: str, account: str = "") -> None:
        """Record this version as the newest that was begun; raises Superseded when a newer one was.

        `account` is the ad account that the message named, "" for the one of the connector's secret: a version
        that went to one account says nothing of another. Call it while holding the audience's lock. Sequencers
        compare as hexadecimal text, the shorter padded with zeros on the right, within one key
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html, read
        2026-11-22).
        """
        if not drop.sequencer:
            return
        padded = drop.sequencer.lower().ljust(SEQUENCER_DIGITS, "0")
        try:
            self._table.update(
                newest_version_key(connector, drop, account),
                "SET newest = :mine, expires_at = :expires",
                {":mine": {"S": padded}, ":expires": {"N": str(int(self._clock()) + self._ttl_s)}},
                condition="attribute_not_exists(newest) OR newest <= :mine",
            )
        except ConditionFailed:
            raise Superseded from None
