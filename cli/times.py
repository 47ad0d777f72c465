"""Times on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import typer


def utc_time(text: str) -> datetime:
    """Return an ISO 8601 date or time in UTC; without an offset it is in UTC already. Else it is a usage error."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter("must be a time such as 2026-11-30T06:00:00, or a day") from None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
