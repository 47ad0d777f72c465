"""Audiences: their members, the work in progress on them, and how list and get show them.

https://business-api.tiktok.com/portal/docs?id=1739940570793985 (create) and
https://business-api.tiktok.com/portal/docs?id=1739940507792385 (get), read 2026-11-22.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.platforms.tiktok.settings import TikTokSettings

CUSTOMER_FILE = "Customer File Audience"
DAY_S = 86_400
YEAR_DAYS = 365
EXPIRING_DAYS = 60


def as_time(seconds: float) -> str:
    """Return a time as TikTok writes it, in GMT."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


@dataclass
class Work:
    """A create or update in progress: the audience's members after it, its message, and its people's names."""

    done: float
    members: dict[bytes, None]
    message: str
    people: set[str]


@dataclass
class Change:
    """One line of an audience's history; its message is set when it has been processed."""

    action: str
    detail: str
    time: float
    message: str = ""

    def shown(self) -> dict[str, str]:
        """Return the line as `get` shows it."""
        return {
            "action": self.action,
            "action_detail": self.detail,
            "editor": "open_api",
            "msg": self.message,
            "opt_time": as_time(self.time),
        }


@dataclass
class Audience:
    """One audience; `forced_size` and `expires` may be set by a test."""

    id: str
    advertiser_id: str
    name: str
    created: float
    calculate_type: str
    audience_type: str = CUSTOMER_FILE
    audience_sub_type: str = "NORMAL"
    retention_days: int | None = None
    shared: bool = False
    is_creator: bool = True
    modified: float = 0.0
    members: dict[bytes, None] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    work: Work | None = None
    history: list[Change] = field(default_factory=list)
    forced_size: int | None = None
    forced_expiry: float | None = None
    error: str = ""

    def settle(self, now: float) -> None:
        """Finish the work whose time has come."""
        if self.work is None or now < self.work.done:
            return
        self.members, self.people = self.work.members, self.work.people
        self.error = "" if self.members else "No valid data in the file."
        if self.history:
            self.history[-1].message = self.work.message
        self.work = None

    def expires(self) -> float:
        """Return when it ends: a fixed time after its creation, or a year after the last change."""
        if self.forced_expiry is not None:
            return self.forced_expiry
        if self.retention_days is not None:
            return self.created + self.retention_days * DAY_S
        return max(self.created, self.modified) + YEAR_DAYS * DAY_S

    def size(self) -> int:
        """Return the number of identifiers, or the number set by a test."""
        return len(self.members) if self.forced_size is None else self.forced_size


@dataclass(frozen=True)
class View:
    """An audience at a time, under the settings in force."""

    audience: Audience
    now: float
    settings: TikTokSettings

    @property
    def expired(self) -> bool:
        """Return whether its time is over: it can then only be deleted."""
        return self.now >= self.audience.expires()

    @property
    def cover(self) -> int:
        """Return the number of people matched; 0 before it was processed and after it expired."""
        if self.expired:
            return 0
        return int(self.audience.size() * self.settings.match_rate)

    @property
    def valid(self) -> bool:
        """Return whether it can be used, and changed."""
        return self.audience.work is None and not self.expired and self.cover >= self.settings.min_size

    def listed(self) -> dict[str, Any]:
        """Return the item in the answer of `list`."""
        audience = self.audience
        left_s = audience.expires() - self.now
        return {
            "audience_id": audience.id,
            "name": audience.name,
            "audience_type": audience.audience_type,
            "audience_sub_type": audience.audience_sub_type,
            "calculate_type": audience.calculate_type,
            "cover_num": self.cover,
            "shared": audience.shared,
            "is_creator": audience.is_creator,
            "is_valid": self.valid,
            "is_expiring": 0 < left_s <= EXPIRING_DAYS * DAY_S,
            "is_auto_refresh": False,
            "owner_id": audience.advertiser_id,
            "create_time": as_time(audience.created),
            "expired_time": as_time(audience.expires()),
        }

    def detailed(self, history_size: int) -> dict[str, Any]:
        """Return the item in the answer of `get`: other names than in `list`, and the history, newest first."""
        item = self.listed()
        details = {key: value for key, value in item.items() if key != "audience_type"}
        small = not self.valid and self.audience.work is None and not self.expired
        too_small = f"The audience size is less than {self.settings.min_size}." if small else ""
        message = self.audience.history[-1].message if self.audience.history else ""
        return {
            "audience_details": {
                **details,
                "type": item["audience_type"],
                "error_msg": self.audience.error or too_small,
                "msg": message,
            },
            "audience_history": [one.shown() for one in reversed(self.audience.history[-history_size:])],
        }
