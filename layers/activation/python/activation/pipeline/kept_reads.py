"""What a run read when it looked for its audience, kept for when it opens it seconds later."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread

from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Request

FRESH_S = 10.0


@dataclass
class KeptReads:
    """Outcomes of reads by their URLs, each of which is used once, while it is fresh; `clock` returns seconds."""

    clock: Callable[[], float] = time.monotonic
    _kept: dict[str, tuple[float, Outcome]] = field(default_factory=dict, repr=False)
    _coming: Thread | None = field(default=None, repr=False)

    def coming(self, reader: Thread) -> None:
        """Have `take` wait for a thread that is about to read."""
        self._coming = reader

    @property
    def is_coming(self) -> bool:
        """Return whether a thread is still reading."""
        return self._coming is not None and self._coming.is_alive()

    def keep(self, request: Request, outcome: Outcome) -> None:
        """Keep what a request has read; what is not read, or went wrong, is not kept."""
        if request.method == "GET" and outcome.kind is OutcomeKind.OK:
            self._kept[request.url] = (self.clock(), outcome)

    def take(self, request: Request) -> Outcome | None:
        """Return the outcome of the same read and forget it; None if there is none, or it is no longer fresh."""
        if request.method == "GET" and self._coming is not None:
            self._coming.join()
        at, outcome = self._kept.pop(request.url, (0.0, None)) if request.method == "GET" else (0.0, None)
        return outcome if outcome is not None and self.clock() - at <= FRESH_S else None

    def forget(self) -> None:
        """Forget everything that was read."""
        self._kept.clear()
