"""The rate governor: every worker of every connector on one ad account waits together."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from activation.conditional import ConditionalTable, ConditionFailed, number, read_number
from activation.errors import Retryable

READ_EVERY_S = 1.0  # how stale another worker's throttle may be when a request starts


class Governor:
    """When the account may be asked next, shared through the ledger table.

    A throttle answer or a usage header sets "not before" for all. What this worker learns takes effect at
    once; what others learn within READ_EVERY_S seconds. `clock` gives Unix seconds.
    """

    def __init__(
        self,
        table: ConditionalTable,
        platform: str,
        account: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._pk = f"account#{platform}#{account}"
        self._clock = clock
        self._lock = Lock()
        self._not_before = 0.0
        self._read_at = 0.0

    def wait_s(self) -> float:
        """Give the seconds until a request may start; 0 when it may now."""
        with self._lock:
            now = self._clock()
            if now - self._read_at >= READ_EVERY_S:
                item = self._table.read(self._pk) or {}
                self._not_before = max(self._not_before, read_number(item, "not_before"))
                self._read_at = now
            return max(0.0, self._not_before - now)

    def hold(self, for_s: float) -> None:
        """Let nobody ask the account for `for_s` seconds; a longer hold that is set already stays.

        When the ledger does not answer, the hold is this worker's alone: the answer that asked for it may have
        acknowledged a batch, which must not be sent again for that.
        """
        until = self._clock() + for_s
        with self._lock:
            if until <= self._not_before:
                return
            self._not_before = until
        try:
            self._table.update(
                self._pk,
                "SET not_before = :until, expires_at = :expires",
                {":until": number(until), ":expires": {"N": str(int(until) + 86_400)}},
                condition="attribute_not_exists(not_before) OR not_before < :until",
            )
        except (ConditionFailed, Retryable):
            return
