"""When something runs: an expression of EventBridge Scheduler and its time zone, read and checked."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

from stacks.context import Reader

# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, read 2026-11-30: six fields, and one
# of day of month and day of week is `?`.
_FIELD = r"[A-Z0-9*?,/#L-]+"
_CRON = re.compile(rf"cron\(({_FIELD}) ({_FIELD}) ({_FIELD}) ({_FIELD}) ({_FIELD}) ({_FIELD})\)", re.IGNORECASE)
_RATE = re.compile(r"rate\(([1-9]\d{0,4}) (minutes?|hours?|days?)\)")


def read_schedule(reader: Reader) -> tuple[str, str]:
    """Read the keys `schedule`, "" if there is none, and `time_zone`; mistakes are the reader's."""
    schedule = reader.text(
        "schedule",
        pattern=rf"{_CRON.pattern}|{_RATE.pattern}",
        meaning="such as cron(0 6 ? * MON-FRI *) or rate(12 hours)",
        default="",
    )
    zone = reader.text("time_zone", pattern=r"[\w+/-]+", meaning="an IANA time zone", default="")
    if zone and zone not in available_timezones():
        reader.mistake("time_zone", "must be the IANA name of a time zone, such as Europe/Berlin")
    if zone and not reader.has("schedule"):
        reader.mistake("time_zone", "is of a schedule, which is missing")
    if (found := _CRON.fullmatch(schedule)) and (found[3] == "?") == (found[5] == "?"):
        reader.mistake("schedule", "one of day of month and day of week must be ?, and not both")
    if schedule.startswith("cron") and not zone:
        reader.mistake(
            "time_zone", "missing; must be the zone that the times are in, such as Europe/Berlin or UTC"
        )
    return schedule, zone or "UTC"
