"""A fenced lease on a record of the ledger table: a lock that expires, with writes of a late holder refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from activation.aws.table import ConditionalTable, ConditionFailed, Item, Write, number, read_number, read_text


class LeaseHeld(Exception):
    """Another holder has the lease for up to `for_s` more seconds; `record` is the record as it stands."""

    def __init__(self, for_s: float, record: Item = MappingProxyType({})) -> None:
        super().__init__("another holder has the lease")
        self.for_s = for_s
        self.record = record


class LeaseLost(Exception):
    """Another holder has acquired the lease since; this one must stop and may write nothing."""


@dataclass(frozen=True)
class Changes:
    """Attributes to write together with the lease, in one conditional write.

    `sets` are assignments in DynamoDB's syntax ("state = :state, #rows = if_not_exists(#rows, :none)");
    `values` and `names` are their placeholders. The lease's own placeholders are `:until`, `:token`, `:one`,
    `:now`, `:fence` and `:expires`, and may be used but not redefined.
    """

    sets: str = ""
    values: Item = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


NOTHING = Changes()


@dataclass(frozen=True)
class Lease:
    """A lease as its holder has it.

    `key` is the record's and `holder` the holder's token. `fence` is higher than that of every earlier lease on
    the record, so that whatever is written under a superseded lease can be refused. `until` is when another holder
    may acquire it, in Unix seconds. `record` is the whole record as the last write left it.
    """

    key: str
    holder: str
    fence: int
    until: float
    record: Item = field(default_factory=dict, repr=False, compare=False)


class Leases:
    """Acquires, renews and releases leases.

    `clock` returns Unix seconds. With `keep_s` a record is deleted that many seconds after its lease was last
    written, by DynamoDB's time to live; with None its expiry is left to whoever owns the record. A deleted
    record's fence starts again at 1, so `keep_s` must outlast any holder that may still be running.

    Every call raises Retryable when DynamoDB is throttled or failing, ConfigError when the table cannot be used.
    """

    def __init__(
        self,
        table: ConditionalTable,
        *,
        keep_s: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._keep_s = keep_s
        self._clock = clock

    def acquire(
        self,
        key: str,
        holder: str,
        *,
        for_s: float,
        changes: Changes = NOTHING,
        only_if: str = "",
        extend: bool = False,
    ) -> Lease:
        """Acquire the lease for `for_s` seconds, creating the record if there is none.

        `holder` is a token that no other holder uses. A token made for one call excludes everybody else,
        while a token kept for a longer time lets its owner acquire its own lease again, with the same fence
        while it lasts. That is also how a write is recognised that took effect although its answer was lost,
        when the SDK repeats it.

        With `extend` a lease that the holder has already is extended, under a new fence.

        `only_if` is a further condition in DynamoDB's syntax. Raises LeaseHeld when the lease is another's or
        `only_if` does not hold; the latter shows in the `record` of the error.
        """
        now = self._clock()
        until = now + for_s
        try:
            record = self._table.write(
                self.acquiring(key, holder, for_s=for_s, changes=changes, only_if=only_if, extend=extend)
            )
        except ConditionFailed as failed:
            record, until = failed.item, read_number(failed.item, "lease_until")
            if read_text(record, "lease_token") != holder or until <= now:
                raise LeaseHeld(max(until - now, 0.0), record) from None
        return Lease(key, holder, int(read_number(record, "fence")), until, record)

    def acquiring(
        self,
        key: str,
        holder: str,
        *,
        for_s: float,
        changes: Changes = NOTHING,
        only_if: str = "",
        extend: bool = False,
    ) -> Write:
        """Return the write by which `acquire` acquires a lease; the arguments are the same."""
        now = self._clock()
        free = ["attribute_not_exists(lease_until)", "lease_until < :now", *["lease_token = :token"] * extend]
        sets, values = self._assignments(now + for_s, changes)
        return Write(
            key,
            f"SET lease_token = :token, {sets} ADD fence :one",
            {**values, ":token": {"S": holder}, ":one": {"N": "1"}, ":now": number(now)},
            " OR ".join(f"{one} AND ({only_if})" if only_if else one for one in free),
            changes.names,
        )

    def releasing(self, lease: Lease, *, changes: Changes = NOTHING) -> Write:
        """Return the write by which `release` releases a lease."""
        return self._under_fence(lease, 0.0, changes)

    def renew(
        self, lease: Lease, *, for_s: float, changes: Changes = NOTHING, only_if: Sequence[str] = ()
    ) -> Lease:
        """Extend the lease to `for_s` seconds from now; raises LeaseLost.

        A lease that has run out may be renewed as long as nobody else has acquired it. `only_if` are further
        conditions, of which one has to hold, or LeaseLost is raised too. One of them must accept what the write
        itself leaves, since the SDK may repeat it.
        """
        return self._write(lease, self._clock() + for_s, changes, only_if)

    def release(self, lease: Lease, *, changes: Changes = NOTHING) -> Lease:
        """Release the lease, so that the next holder need not wait; raises LeaseLost."""
        return self._write(lease, 0.0, changes)

    def left_s(self, lease: Lease) -> float:
        """Return the seconds until another holder may acquire the lease."""
        return lease.until - self._clock()

    def _write(self, lease: Lease, until: float, changes: Changes, only_if: Sequence[str] = ()) -> Lease:
        """Write under the fence; the same write twice is harmless, so the SDK may repeat one."""
        try:
            record = self._table.write(self._under_fence(lease, until, changes, only_if))
        except ConditionFailed:
            raise LeaseLost from None
        return Lease(lease.key, lease.holder, lease.fence, until, record)

    def _under_fence(self, lease: Lease, until: float, changes: Changes, only_if: Sequence[str] = ()) -> Write:
        sets, values = self._assignments(until, changes)
        fence = {":fence": {"N": str(lease.fence)}}
        condition = " OR ".join(f"fence = :fence AND {one}" for one in only_if) or "fence = :fence"
        return Write(lease.key, f"SET {sets}", {**values, **fence}, condition, changes.names)

    def _assignments(self, until: float, changes: Changes) -> tuple[str, Item]:
        sets = ["lease_until = :until"]
        values = {":until": number(until), **changes.values}
        if self._keep_s is not None:
            sets.append("expires_at = :expires")
            values[":expires"] = {"N": str(int(max(until, self._clock()) + self._keep_s))}
        if changes.sets:
            sets.append(changes.sets)
        return ", ".join(sets), values
