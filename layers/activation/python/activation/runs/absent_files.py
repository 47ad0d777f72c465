"""Objects that this worker did not find a moment ago, and that were not put before the drop at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

KEPT_S = 1.0  # how late an object may take effect that is put after a drop whose run has not begun
# An event says the second in which a drop was put, and by another clock.
PUT_WITHIN_S, CLOCKS_DIFFER_S = 1.0, 1.0


@dataclass(frozen=True)
class AbsentFiles:
    """When this worker last found no object, by its key; `clock` returns Unix seconds."""

    clock: Callable[[], float]
    _looked: dict[str, float] = field(default_factory=dict, repr=False)

    def note(self, key: str, looked_at: float) -> None:
        """Note that there was no object when the look began."""
        if len(self._looked) >= 1000:
            self._looked.clear()
        self._looked[key] = looked_at

    def is_absent(self, key: str, dropped_at: float) -> bool:
        """Return whether a look found no object after the drop was put, a moment ago.

        Whoever puts the object first and then the drop, as people do, has it read.
        """
        looked_at = self._looked.get(key)
        if looked_at is None or not 0 <= self.clock() - looked_at <= KEPT_S:
            return False
        return dropped_at + PUT_WITHIN_S + CLOCKS_DIFFER_S <= looked_at
