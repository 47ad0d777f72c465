"""Which findings of the daily `doctor` were notified, so that one that lasts is not notified every day."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from activation.aws.table import ConditionalTable, ConditionFailed, number
from activation.ledger.keys import findings_key

AGAIN_S = 7 * 86_400.0 - 3_600.0  # a week, less the hour that clocks change by
KEEP_S = 30 * 86_400.0


@dataclass(frozen=True)
class NotifiedFindings:
    """What was last notified of each connector, in the ledger's `table`; `clock` returns Unix seconds."""

    table: ConditionalTable
    clock: Callable[[], float] = time.time

    def due(self, connector: str, findings: Collection[str]) -> list[str]:
        """Return those findings that are new, or were notified a week ago; raises what the table raises."""
        before, now = self._read(connector), self.clock()
        return [one for one in findings if now - before.get(one, 0.0) >= AGAIN_S]

    def note(self, connector: str, findings: Collection[str], notified: Collection[str]) -> None:
        """Record that `notified` were, of the `findings` that a connector has now; all others are forgotten.

        Raises what the table raises.
        """
        before, now = self._read(connector), self.clock()
        times = {one: now if one in notified else before.get(one, now) for one in findings}
        with contextlib.suppress(ConditionFailed):  # a later examination has been recorded already
            self.table.update(
                findings_key(connector),
                "SET notified = :notified, examined_at = :now, expires_at = :end",
                {
                    ":notified": {"M": {one: number(at) for one, at in times.items()}},
                    ":now": number(now),
                    ":end": {"N": str(int(now + KEEP_S))},
                },
                condition="attribute_not_exists(examined_at) OR examined_at <= :now",
            )

    def _read(self, connector: str) -> dict[str, float]:
        record = self.table.read(findings_key(connector)) or {}
        return {one: float(at["N"]) for one, at in record.get("notified", {}).get("M", {}).items()}
