"""The clock of a simulated platform, which tests can move forward."""

from __future__ import annotations

import time


class Clock:
    """Wall time plus the time added by hand, in seconds since the epoch; it never goes back."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> float:
        """Return the platform's current time."""
        return time.time() + self._ahead_s

    def advance(self, seconds: float) -> float:
        """Move `seconds` ahead and return the new time; raises ValueError if negative or not a number."""
        if not seconds >= 0:
            raise ValueError("advance_s must be a number of seconds, 0 or more")
        self._ahead_s += seconds
        return self.now()

    def reset(self) -> None:
        """Return to wall time; only for a platform that forgets everything else as well."""
        self._ahead_s = 0.0
