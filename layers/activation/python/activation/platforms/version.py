"""The version of a platform's API that this release calls, and the day on which the platform ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from activation.model import RunWarning

WARN_DAYS = 60  # before the end: two months to update a deployment


@dataclass(frozen=True)
class ApiVersion:
    """A version of a platform's API.

    `name` is the platform's own. `ends` is the day from which the platform no longer offers the version, None
    while it has announced none. `source` is the page that says so, `read` the date it was read.
    """

    name: str
    ends: date | None
    source: str
    read: str

    def has_ended(self, today: date) -> bool:
        """Return whether the platform no longer offers the version."""
        return self.ends is not None and today >= self.ends

    def warning(self, today: date) -> RunWarning | None:
        """Return the warning of an end that has passed or is at most WARN_DAYS away, else None."""
        if self.ends is None or (left := (self.ends - today).days) > WARN_DAYS:
            return None
        when = f"ends on {self.ends}, {_days(left)}" if left > 0 else f"ended on {self.ends}"
        return RunWarning(
            "api_version_ends",
            f"the version of the platform's API that this release calls, {self.name}, {when}; update Audience"
            f" Activation ({self.source})",
        )


def _days(count: int) -> str:
    return "tomorrow" if count == 1 else f"in {count} days"
