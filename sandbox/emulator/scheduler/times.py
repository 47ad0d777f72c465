"""When a schedule of EventBridge Scheduler is due: `at`, `rate` and `cron` in its time zone, across clock changes.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (read 2026-11-30): a cron time that a
clock change skips is not made up for; one that occurs twice is due once; a day of a rate is 24 hours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ministack.services import eventbridge

from sandbox.emulator.hook import Hook

HOOKS = (
    Hook("ministack.services.eventbridge", "_parse_rate_seconds", ("expr",)),
    Hook("ministack.services.eventbridge", "_parse_cron_fields", ("expr",)),
    Hook("ministack.services.eventbridge", "_cron_next_fire", ("fields", "after_dt")),
)

_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


def check(expression: str, zone: str) -> None:
    """Raise ValueError saying what is wrong if the expression or the time zone cannot be evaluated."""
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):  # a zone that is not found is a KeyError
        raise ValueError(f"Invalid Time Zone {zone}.") from None
    if _AT.fullmatch(expression):
        datetime.fromisoformat(expression[3:-1])
    elif not eventbridge._parse_rate_seconds(expression) and eventbridge._parse_cron_fields(expression) is None:
        raise ValueError(f"Invalid Schedule Expression {expression}.")


def due(schedule: dict[str, Any], after_s: float) -> Iterator[float]:
    """Yield the times later than `after_s` at which a schedule is due, in seconds since 1970, ascending.

    `schedule` is as the emulator keeps it: a rate begins at its StartDate, or else when it is created.
    """
    begin_s, end_s = schedule.get("StartDate"), schedule.get("EndDate")
    for time_s in _times(schedule, after_s):
        if end_s is not None and time_s > float(end_s):
            return
        if time_s > after_s and (begin_s is None or time_s >= float(begin_s)):
            yield time_s


def _times(schedule: dict[str, Any], after_s: float) -> Iterator[float]:
    expression, zone = schedule["ScheduleExpression"], ZoneInfo(schedule["ScheduleExpressionTimezone"])
    interval_s = eventbridge._parse_rate_seconds(expression)
    if at := _AT.fullmatch(expression):
        yield datetime.fromisoformat(at[1]).replace(tzinfo=zone).timestamp()
    elif interval_s:
        first_s = float(schedule["CreationDate"] if schedule.get("StartDate") is None else schedule["StartDate"])
        count = max(0, int((after_s - first_s) // interval_s))
        while True:
            yield first_s + count * interval_s
            count += 1
    else:
        yield from _cron_times(eventbridge._parse_cron_fields(expression), zone, after_s)


def _cron_times(fields: Any, zone: ZoneInfo, after_s: float) -> Iterator[float]:
    # The fields are walked through as the zone's clock shows them, without an offset.
    shown: datetime | None = datetime.fromtimestamp(after_s, zone).replace(tzinfo=UTC)
    while (shown := eventbridge._cron_next_fire(fields, shown)) is not None:
        # `fold` is 0 here, the first of two equal times; a clock that changes never shows a skipped one.
        instant = shown.replace(tzinfo=zone)
        if instant.astimezone(UTC).astimezone(zone).replace(tzinfo=UTC) == shown:
            yield instant.timestamp()
