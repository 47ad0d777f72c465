"""One write of a run's record for several requests that are acknowledged at about the same time.

With many requests in flight, a write for each costs more than the time that an acknowledgement waits for the next
one: DynamoDB charges for each write by the size of the whole record. A request keeps its slot until its
acknowledgement is written, so that a crash can repeat no more requests than if each were written at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition

from activation.ledger.runs import HeldRun


@dataclass
class SharedSaves:
    """The saves of one run's record by the threads that send its requests.

    `patience_s` returns for how many seconds an acknowledgement may wait for others, given how many requests are
    in flight. `clock` returns seconds.
    """

    held: HeldRun
    patience_s: Callable[[int], float] = lambda _: 0.0
    clock: Callable[[], float] = time.monotonic
    _changed: Condition = field(init=False, repr=False)
    _in_flight: int = 0
    _waiting: int = 0
    _noted: int = 0
    _saved: int = 0
    _is_saving: bool = False

    def __post_init__(self) -> None:
        self._changed = Condition(self.held.lock)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Count a request as in flight for as long as the context lasts."""
        with self._changed:
            self._in_flight += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def note(self) -> None:
        """Note that the record has changed; the caller holds the run's lock, and calls `save` without it."""
        self._noted += 1

    def save(self) -> None:
        """Return once everything noted so far is saved, by this thread or another; raises what a save raises."""
        with self._changed:
            mine = self._noted
            self._waiting += 1
            self._changed.notify_all()
            try:
                while self._saved < mine:
                    if self._is_saving:
                        self._changed.wait()
                    else:
                        self._save()
            finally:
                self._waiting -= 1

    def _save(self) -> None:
        self._is_saving = True
        try:
            until = self.clock() + self.patience_s(self._in_flight)
            while self._waiting < self._in_flight and (left_s := until - self.clock()) > 0:
                self._changed.wait(left_s)
            noted = self._noted
            self.held.save()
            self._saved = noted
        finally:
            self._is_saving = False
            self._changed.notify_all()
