"""When a drop last came for each audience that drops are expected for, and which missing one was announced."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from activation.aws.table import ConditionalTable, ConditionFailed, number, read_number
from activation.ledger.keys import arrival_key


@dataclass(frozen=True)
class Arrivals:
    """The arrivals in the ledger's `table`; `clock` returns Unix seconds. Raises what the table raises."""

    table: ConditionalTable
    clock: Callable[[], float] = time.time

    def note(self, connector: str, audience: str) -> None:
        """Record that a drop has come now."""
        now = self.clock()
        with contextlib.suppress(ConditionFailed):  # a later one has been recorded already
            self.table.update(
                arrival_key(connector, audience),
                "SET arrived_at = :now",
                {":now": number(now)},
                condition="attribute_not_exists(arrived_at) OR arrived_at <= :now",
            )

    def last(self, connector: str, audience: str) -> float:
        """Return when a drop last came, as Unix seconds; 0 for never."""
        return read_number(self.table.read(arrival_key(connector, audience)) or {}, "arrived_at")

    def announced(self, connector: str, audience: str) -> float:
        """Return since when the drop was overdue that was announced last, as Unix seconds; 0 for none."""
        return read_number(self.table.read(arrival_key(connector, audience)) or {}, "announced_since")

    def note_announced(self, connector: str, audience: str, since: float) -> None:
        """Record that a drop which is overdue since a time in Unix seconds has been announced."""
        with contextlib.suppress(ConditionFailed):  # it is recorded already
            self.table.update(
                arrival_key(connector, audience),
                "SET announced_since = :since",
                {":since": number(since)},
                condition="attribute_not_exists(announced_since) OR announced_since <> :since",
            )
