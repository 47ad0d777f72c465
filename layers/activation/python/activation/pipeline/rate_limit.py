"""The rate limit of an ad account, shared by all workers: waits that the platform asked for, and pacing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from types import MappingProxyType

from activation.aws.table import ConditionalTable, ConditionFailed, Item, number, read_number, read_text
from activation.errors import Retryable
from activation.platforms.rate import Window

READ_EVERY_S = 1.0  # how late a throttle that another worker met may take effect here
SHARED_FROM_S = 10.0  # each worker counts shorter windows alone: to share them would take a write every second
ACCESS_TIER = "access_tier"  # the record's attribute
RESERVED_SHARE, RESERVED_MAX = 20, 100  # a worker reserves at most a twentieth of a window, and this many
CLOCKS_DIFFER_S = 1.0  # between two workers' clocks; a window that begins later than this comes from a wrong clock


class RateLimit:
    """One rate limit, shared through the ledger table by all workers that send under it.

    `key` is the limit's record in `table`. Uploads are counted in each of the platform's `windows`, and wait for
    the next window once one is full. `clock` returns Unix seconds.

    A throttle answer or a usage header sets "not before" for all workers: at once for this one, within
    READ_EVERY_S seconds for the others. The record is authoritative: a hold that is removed from it ends as soon.

    `tiers` are the windows of the access tiers that the account may turn out to have, by name. Which it has, an
    answer says: it is kept in the record for all workers, and `windows` hold until then.

    Uploads are reserved 1, 2, 4, ... at a time, so a worker that dies wastes no more of a window than it has used.
    """

    def __init__(
        self,
        table: ConditionalTable,
        key: str,
        windows: Sequence[Window] = (),
        tiers: Mapping[str, Sequence[Window]] = MappingProxyType({}),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._pk = key
        self._tiers = tiers
        self._tier = ""
        self._shared: list[Window] = []
        self._own: dict[Window, tuple[float, int]] = {}  # when each began, and its uploads since
        self._pace_by(windows)
        self._clock = clock
        self._lock = Lock()
        self._item: Item = {}
        self._not_before = 0.0
        self._unwritten = 0.0  # a hold that the record does not have yet, or could not be given
        self._read_at = 0.0
        self._reserved_until = 0.0

    def wait_s(self, *, uploads: bool = False) -> float:
        """Return the seconds until a request may start; 0 when it may now.

        With `uploads` the request carries people: when it may start, it has been counted.
        """
        with self._lock:
            now = self._clock()
            if not 0 <= now - self._read_at < READ_EVERY_S:
                self._item = self._table.read(self._pk) or {}
                self._not_before = max(self._unwritten, read_number(self._item, "not_before"))
                self._read_at = now
                self._change_tier(read_text(self._item, ACCESS_TIER))
            if self._not_before > now or not uploads:
                return max(0.0, self._not_before - now)
            return self._pace(now)

    def give_back(self) -> None:
        """Return to the budget an upload that `wait_s` counted but that was not sent."""
        with self._lock:
            self._reserved += 1  # void once the window ends, like every reservation
            self._own = {one: (began, max(0, used - 1)) for one, (began, used) in self._own.items()}

    def hold(self, for_s: float) -> None:
        """Stop all requests to the account for `for_s` seconds, unless a longer hold is already set.

        When the ledger table is unavailable, only this worker holds: the answer that asked for the hold may have
        acknowledged a batch, so raising here would send that batch twice.
        """
        until = self._clock() + for_s
        with self._lock:
            if until <= self._not_before:
                return
            self._not_before = self._unwritten = until
        try:
            self._table.update(
                self._pk,
                "SET not_before = :until, expires_at = :expires",
                {":until": number(until), ":expires": {"N": str(int(until) + 86_400)}},
                condition="attribute_not_exists(not_before) OR not_before < :until",
            )
        except Retryable:
            return
        except ConditionFailed:  # another worker has set a longer hold
            pass
        with self._lock:
            if self._unwritten == until:
                self._unwritten = 0.0

    def keep_to(self, tier: str) -> None:
        """Pace by an access tier from now on, in all workers; a tier that is not among `tiers` changes nothing.

        When the ledger table is unavailable, only this worker does so, until its next answer.
        """
        with self._lock:
            if not self._change_tier(tier):
                return
        try:
            self._table.update(
                self._pk,
                f"SET {ACCESS_TIER} = :tier, expires_at = :expires",
                {":tier": {"S": tier}, ":expires": {"N": str(int(max(self._clock(), self._not_before)) + 86_400)}},
                condition=f"attribute_not_exists({ACCESS_TIER}) OR {ACCESS_TIER} <> :tier",
            )
        except (Retryable, ConditionFailed):  # or another worker was told the same
            return

    def _change_tier(self, tier: str) -> bool:
        if tier == self._tier or tier not in self._tiers:
            return False
        self._tier = tier
        self._pace_by(self._tiers[tier])
        return True

    def _pace_by(self, windows: Sequence[Window]) -> None:
        """Count by these windows; what was reserved under others is void, and what was counted stays counted."""
        self._shared = [one for one in windows if one.per_s >= SHARED_FROM_S]
        self._own = {one: (0.0, 0) for one in windows if one.per_s < SHARED_FROM_S}
        self._reserved, self._reserve_next = 0, 1

    def _pace(self, now: float) -> float:
        """Count an upload in every window and return 0, or return the seconds until all of them have room."""
        self._own = {one: (min(began, now), used) for one, (began, used) in self._own.items()}
        for window, (began, used) in self._own.items():
            if now - began < window.per_s and used >= window.requests:
                return began + window.per_s - now
        if self._shared and (self._reserved <= 0 or now >= self._reserved_until):
            wait_s = self._reserve(now)
            if wait_s > 0:
                return wait_s
        self._reserved -= 1
        for window, (began, used) in self._own.items():
            self._own[window] = (began, used + 1) if now - began < window.per_s else (now, 1)
        return 0.0

    def _reserve(self, now: float) -> float:
        """Reserve some uploads in all shared windows at once and return 0, or return the seconds to wait."""
        if now >= self._reserved_until:
            self._reserve_next = 1
        for _ in range(3):  # another worker may reserve between our read and our write
            wait_s = max(_full_for_s(one, self._item, now) for one in self._shared)
            begins = [read_number(self._item, _names(one)[0]) for one in self._shared]
            if wait_s > 0 and max(begins) <= now + CLOCKS_DIFFER_S:
                return wait_s
            room = min(one.requests - _used(one, self._item, now) for one in self._shared)
            share = min(one.requests // RESERVED_SHARE for one in self._shared)
            count = 0 if wait_s > 0 else max(1, min(room, share, RESERVED_MAX, self._reserve_next))
            try:
                self._item = self._write(count, now)  # a window that begins later than now begins now
            except ConditionFailed as failed:
                self._item = failed.item
                continue
            if wait_s > 0:
                return wait_s
            self._reserved, self._reserve_next = count, 2 * count
            # What is left when a window ends was counted in that one, and may not be used in the next.
            self._reserved_until = min(read_number(self._item, _names(one)[0]) + one.per_s for one in self._shared)
            return 0.0
        return READ_EVERY_S

    def _write(self, count: int, now: float) -> Item:
        """Add `count` uploads to the windows; raises ConditionFailed when another worker changed them."""
        sets, conditions, values = [], [], {}
        for place, one in enumerate(self._shared):
            began_name, used_name = _names(one)
            began = read_number(self._item, began_name)
            goes_on = now - began < one.per_s
            sets.append(f"{began_name} = :began{place}, {used_name} = :used{place}")
            values[f":began{place}"] = number(min(began, now) if goes_on else now)
            values[f":used{place}"] = {"N": str(_used(one, self._item, now) + count)}
            if used_name in self._item:
                conditions.append(f"{began_name} = :was_began{place} AND {used_name} = :was_used{place}")
                values[f":was_began{place}"] = number(began)
                values[f":was_used{place}"] = self._item[used_name]
            else:
                conditions.append(f"attribute_not_exists({used_name})")
        longest = max(one.per_s for one in self._shared)
        values[":expires"] = {"N": str(int(max(now + longest, self._not_before)) + 86_400)}
        expression = f"SET {', '.join(sets)}, expires_at = :expires"
        return self._table.update(self._pk, expression, values, condition=" AND ".join(conditions))


class RateLimits:
    """The rate limits of a worker, kept from message to message with the uploads they have reserved."""

    def __init__(self, table: ConditionalTable, *, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock
        self._kept: dict[tuple[str, tuple[Window, ...]], RateLimit] = {}

    def of(
        self, key: str, windows: Sequence[Window], tiers: Mapping[str, Sequence[Window]] = MappingProxyType({})
    ) -> RateLimit:
        """Return the rate limit whose record in the ledger table is `key`."""
        name = (key, tuple(windows))
        if name not in self._kept:
            self._kept[name] = RateLimit(self._table, key, windows, tiers, clock=self._clock)
        return self._kept[name]


def _names(window: Window) -> tuple[str, str]:
    """Return the record's attributes for a window: when it began, and how many uploads it has counted."""
    return f"window_{window.per_s:.0f}_began", f"window_{window.per_s:.0f}_used"


def _used(window: Window, item: Item, now: float) -> int:
    began, used = _names(window)
    return int(read_number(item, used)) if now - read_number(item, began) < window.per_s else 0


def _full_for_s(window: Window, item: Item, now: float) -> float:
    """Return the seconds until the window ends when it has no room; 0 when it has."""
    if _used(window, item, now) < window.requests:
        return 0.0
    return min(window.per_s, max(0.0, read_number(item, _names(window)[0]) + window.per_s - now))
