"""The date and the time, in one place, so that tests can set them."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime


def today() -> date:
    """Return today's date in UTC."""
    return datetime.now(UTC).date()


def now() -> float:
    """Return the time in Unix seconds."""
    return time.time()
