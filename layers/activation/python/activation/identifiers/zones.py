"""Time zones by their names. Imports no Arrow: functions that read no row import this as well."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@cache
def zone_named(name: str) -> ZoneInfo | None:
    """Return the time zone of an IANA name, None for "" and for a name that there is none of."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return None
