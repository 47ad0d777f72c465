"""How long an invocation takes, for the run's active time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Stopwatch:
    """Measures an invocation from `began`, in seconds of `clock`."""

    clock: Callable[[], float]
    began: float

    def lap_s(self) -> float:
        """Return the seconds since the stopwatch was started or last read, and start it again."""
        began, self.began = self.began, self.clock()
        return self.began - began
