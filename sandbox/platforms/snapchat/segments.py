"""Audience segments: the identifiers they hold, and how Snapchat shows them.

https://developers.snap.com/api/marketing-api/Ads-API/customer-lists (read 2026-11-29). That 1,000 matched people
make a segment targetable:
https://developer.salesforce.com/docs/data/data-cloud-int/guide/c360-a-snapchatadaudiences-connector.html.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.platforms.snapchat.payload import Identifiers
from sandbox.platforms.snapchat.settings import SnapchatSettings

FIRST_PARTY = "FIRST_PARTY"
LIFETIME_DAYS = 9_999
DAY_S = 86_400


def as_time(seconds: float) -> str:
    """Return a time as Snapchat writes it: in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Segment:
    """One audience segment; `forced_size` is set by a test and replaces the matched people.

    `people` are the names of those who are in the segment, if the settings list any.
    """

    id: str
    ad_account_id: str
    name: str
    created: float
    description: str = ""
    source_type: str = FIRST_PARTY
    retention_days: int = LIFETIME_DAYS
    updated: float = 0.0
    forced_size: int | None = None
    people: set[str] = field(default_factory=set)
    _held: dict[str, dict[bytes, float]] = field(default_factory=dict)  # kind -> hash -> when it was last sent
    _uploads: int = 0
    _matched_from: float = 0.0  # when the last change shows in the size
    _size_before: int = 0  # identifiers counted before that change
    _next_expiry: float = math.inf

    def __len__(self) -> int:
        return sum(len(held) for held in self._held.values())

    def add(self, sent: Identifiers, now: float, processing_s: float) -> None:
        """Add identifiers; an existing one is kept for another `retention_days`."""
        self._change(now, processing_s)
        self._held.setdefault(sent.kind, {}).update(dict.fromkeys(sent.hashes, now))
        self._uploads += 1
        if self.retention_days != LIFETIME_DAYS:
            self._next_expiry = min(self._next_expiry, now + self.retention_days * DAY_S)

    def remove(self, sent: Identifiers, now: float, processing_s: float) -> None:
        """Remove identifiers; unknown ones are ignored."""
        self._change(now, processing_s)
        held = self._held.get(sent.kind, {})
        for one in sent.hashes:
            held.pop(one, None)

    def remove_all(self, now: float, processing_s: float) -> None:
        """Remove every identifier of every kind."""
        self._change(now, processing_s)
        self._held.clear()
        self.people.clear()

    def _change(self, now: float, processing_s: float) -> None:
        self.expire(now)
        if now >= self._matched_from:
            self._size_before = len(self)
        self._matched_from = now + processing_s
        self.updated = now

    def expire(self, now: float) -> None:
        """Remove identifiers that were last sent `retention_days` ago."""
        if now < self._next_expiry:
            return
        keep_s = self.retention_days * DAY_S
        for kind, held in self._held.items():
            self._held[kind] = {one: sent for one, sent in held.items() if now < sent + keep_s}
        oldest = min((sent for held in self._held.values() for sent in held.values()), default=math.inf)
        self._next_expiry = oldest + keep_s

    def groups(self) -> list[tuple[str, list[bytes]]]:
        """Return each kind that has identifiers with a copy of them, which later calls do not change."""
        return [(kind, list(held)) for kind, held in list(self._held.items()) if held]

    def created_answer(self) -> dict[str, Any]:
        """Return the segment as in the answer to its creation: PENDING, without the two later states."""
        shown = self.shown(self.created, SnapchatSettings())
        del shown["upload_status"], shown["targetable_status"]
        return {**shown, "status": "PENDING"}

    def shown(self, now: float, settings: SnapchatSettings) -> dict[str, Any]:
        """Return the segment as lists and reads show it; the size lags behind while users are matched."""
        self.expire(now)
        processing = now < self._matched_from
        counted = self._size_before if processing else len(self)
        size = int(counted * settings.match_rate) if self.forced_size is None else self.forced_size
        upload = "NO_UPLOAD" if not self._uploads else "PROCESSING" if processing else "COMPLETE"
        targetable = "READY" if size >= settings.min_size else "TOO_FEW_USERS"
        if upload == "NO_UPLOAD" or (processing and not self._size_before):
            targetable = "NOT_READY"
        return {
            "id": self.id,
            "updated_at": as_time(self.updated or self.created),
            "created_at": as_time(self.created),
            "name": self.name,
            "ad_account_id": self.ad_account_id,
            "description": self.description,
            "status": "ACTIVE",
            "targetable_status": targetable,
            "upload_status": upload,
            "source_type": self.source_type,
            "retention_in_days": self.retention_days,
            "approximate_number_users": size,
        }
