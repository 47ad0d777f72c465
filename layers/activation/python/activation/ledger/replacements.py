"""The newest replace of each audience, so that an older one never comes after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from activation.aws.table import ConditionalTable, ConditionFailed, read_text
from activation.ledger.audience_lock import Superseded
from activation.ledger.keys import replacement_key


class Replacements:
    """Remembers which drop replaced an audience last, in a record of its own beside the audience's lock.

    `ttl_days` is how long it is remembered. `clock` returns Unix seconds.
    """

    def __init__(
        self, table: ConditionalTable, *, ttl_days: int = 400, clock: Callable[[], float] = time.time
    ) -> None:
        self._table = table
        self._ttl_s = ttl_days * 86_400
        self._clock = clock

    def begin(self, audience: str, run_id: str, dropped_at: str, *, begun: bool) -> None:
        """Record a replace as the audience's newest; call it while holding the audience's lock.

        `audience` is the key of that lock. `dropped_at` is when the drop was put, in ISO 8601, "" for now. Raises
        Superseded if a drop put later has begun to replace the audience; if this run has `begun` before, also if
        any other has begun since: what is left of this one would mix with it.
        """
        key, now = replacement_key(audience), self._clock()
        newest = (self._table.read(key) if begun else None) or {}
        if newest and read_text(newest, "run_id") != run_id:
            raise Superseded("another drop has replaced the audience since this one began")
        try:
            self._table.update(
                key,
                "SET newest = :mine, run_id = :run, expires_at = :expires",
                {
                    ":mine": {"S": in_utc(dropped_at, now)},
                    ":run": {"S": run_id},
                    ":expires": {"N": str(int(now) + self._ttl_s)},
                },
                condition="attribute_not_exists(newest) OR newest <= :mine OR run_id = :run",
            )
        except ConditionFailed:
            raise Superseded("a drop that was put after this one has replaced the audience") from None


def in_utc(text: str, now: float) -> str:
    """Return a time in ISO 8601 as text that sorts as the times do; `now`, in Unix seconds, where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.fromtimestamp(now, tz=UTC)
    return at.astimezone(UTC).isoformat(timespec="seconds")
