"""What connectors ask of the lists, when the lists cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pyarrow as pa
import pytest
from activation.errors import Retryable
from activation.ledger.suppression_lists import StoredSet, SuppressionLists, SuppressionRecord
from activation.suppression.current import CurrentSuppressions
from activation.suppression.listed import Listed
from activation.suppression.store import ListStore


@dataclass
class Lists:
    """A record and a store in one: every look finds a newer version, and `down` is whether it can be read."""

    version: int = 0
    down: bool = False

    def read(self, stored: StoredSet | None = None) -> SuppressionLists | Listed:
        """Return the record, or the set that it names."""
        if stored is None:
            self.version += 1
            return SuppressionLists(self.version, {}, {"meta": StoredSet("key", 1, "")})
        if self.down:
            raise Retryable("suppressions_unreadable", "down", after_s=60)
        return Listed.of([pa.array([7], pa.uint64())])


@pytest.mark.parametrize("then", [100.5, 102.5], ids=["a clock that is put back", "half a second later"])
def test_a_look_that_failed_makes_nobody_reachable(then: float) -> None:
    """After it every question is a look anew, whatever the time is."""
    lists, times = Lists(), iter((100.0, 102.0, then))
    current = CurrentSuppressions(
        cast("SuppressionRecord", lists), cast("ListStore", lists), "meta", clock=lambda: next(times)
    )
    assert len(current.get()[1]) == 1
    lists.down = True
    for _ in range(2):
        with pytest.raises(Retryable):
            current.get()
