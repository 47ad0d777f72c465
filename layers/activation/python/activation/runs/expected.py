"""Drops that are expected: whether one is overdue, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

HOUR_S = 3600.0
# A drop counts for the next time of day if it came within so many hours before it, or on its day; one that came
# earlier was late for the time before.
EARLY_HOURS = 12


@dataclass(frozen=True)
class Expected:
    """When drops for an `audience` of a `connector` are expected.

    One comes every `every_hours`, or, where these are 0, each day before the time of day `by`, as HH:MM in the
    time zone `zone`, an IANA name.
    """

    connector: str
    audience: str
    every_hours: float = 0
    by: str = ""
    zone: str = "UTC"

    def overdue_since(self, arrived_at: float, now: float) -> float | None:
        """Return since when a drop is overdue, None if none is; times are Unix seconds.

        `arrived_at` is when the last drop came, 0 for never. One that came after its time of day is not overdue
        any more, and counts for the day that it was late for.
        """
        if self.every_hours:
            due = arrived_at + self.every_hours * HOUR_S
            return due if now > due else None
        due, counts_from = self._daily(now)
        return due if arrived_at < counts_from else None

    @property
    def sentence(self) -> str:
        """Return when drops are expected, in words."""
        if self.every_hours:
            return f"one is expected every {self.every_hours:g} hours"
        return f"one is expected each day by {self.by} ({self.zone})"

    def _daily(self, now: float) -> tuple[float, float]:
        """Return the last time at which a day's drop was due, and from when on a drop counts for it."""
        zone = ZoneInfo(self.zone)
        hour, minute = map(int, self.by.split(":"))
        today = datetime.fromtimestamp(now, tz=UTC).astimezone(zone)
        # By the clock on the wall, so that a day on which clocks change has its time of day, too.
        due = today.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if due.timestamp() > now:
            due -= timedelta(days=1)
        midnight = due.replace(hour=0, minute=0).timestamp()
        return due.timestamp(), min(midnight, due.timestamp() - EARLY_HOURS * HOUR_S)
