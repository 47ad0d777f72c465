"""What is suppressed now, for one platform: the record read once a second, the set when it changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from activation.errors import ConfigError
from activation.ledger.suppression_lists import SuppressionLists, SuppressionRecord, unreadable
from activation.suppression.listed import NOBODY, Listed
from activation.suppression.store import ListGone, ListStore

FRESH_S = 1.0  # a run that accepts a list waits longer than that before it says so: ACCEPTED_AFTER_S
ACCEPTED_AFTER_S = 2.0
_READINGS = 3  # of a record whose objects are gone by the time they are read


@dataclass
class CurrentSuppressions:
    """What connectors of one platform ask; several threads may.

    `record` and `store` are where the lists are. `clock` returns seconds.
    """

    record: SuppressionRecord
    store: ListStore
    platform: str
    clock: Callable[[], float] = time.time
    _lock: Lock = field(default_factory=Lock, repr=False)
    _read_at: float | None = None
    _version: int = 0
    _listed: Listed = field(default=NOBODY, repr=False)

    def get(self) -> tuple[int, Listed]:
        """Return the version of the lists, and all that they hold for the platform.

        Raises Retryable with suppressions_unreadable, ConfigError with newer_state or platform_not_listed, and
        what the ledger and S3 raise. Then nothing may be sent.
        """
        with self._lock:
            now = self.clock()
            if self._read_at is None or not 0 <= now - self._read_at < FRESH_S:
                self._read_at = (
                    None  # until it is read: a clock that is put back must not make a failed look count
                )
                self._refresh()
                self._read_at = now
            return self._version, self._listed

    def _refresh(self) -> None:
        for _ in range(_READINGS):
            lists = self.record.read()
            if lists.version == self._version:
                return
            try:
                listed = self._read(lists)
            except ListGone:
                continue  # the record was replaced meanwhile; what it names now is there
            self._version, self._listed = lists.version, listed
            return
        raise unreadable("an object of the suppression lists is missing")

    def _read(self, lists: SuppressionLists) -> Listed:
        self._listed, self._version = NOBODY, -1  # so that the old set is not held beside the new one
        if self.platform in lists.whole:
            return self.store.read(lists.whole[self.platform])
        if not lists.whole:
            return NOBODY
        raise ConfigError(
            "platform_not_listed",
            f"the suppression lists were read before this app knew {self.platform}; nothing is sent: drop each"
            " list again, then redrive",
        )
