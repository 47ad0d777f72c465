"""How long a platform takes to answer an invocation, and how often it throttles, for the metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock


@dataclass
class PlatformCalls:
    """Counts one invocation's requests, which are sent from several threads.

    `seconds` is the sum of the times from a request to its answer or its failure, `throttled` counts the answers
    that limit the rate of requests.
    """

    count: int = 0
    seconds: float = 0.0
    throttled: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def note(self, seconds: float, *, throttled: bool) -> None:
        """Count a request that took so many seconds."""
        with self._lock:
            self.count += 1
            self.seconds += seconds
            self.throttled += throttled

    @property
    def mean_ms(self) -> float:
        """Return the mean of the times in milliseconds, 0 without a request."""
        return 1000 * self.seconds / self.count if self.count else 0.0
