"""A clock that tests can move forward: the time a simulated platform lives in."""

from __future__ import annotations

import time


class Clock:
    """Wall time plus what was added by hand, in seconds since the epoch; it never goes back."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> float:
        """Return what time the platform believes it is."""
        return time.time() + self._ahead_s

    def advance(self, seconds: float) -> float:
        """Move `seconds` (not negative) ahead and say the new time; raises ValueError otherwise."""
        if not seconds >= 0:
            raise ValueError("advance_s must be a number of seconds, 0 or more")
        self._ahead_s += seconds
        return self.now()

    def reset(self) -> None:
        """Go back to wall time; only for a platform that forgets everything else as well."""
        self._ahead_s = 0.0
