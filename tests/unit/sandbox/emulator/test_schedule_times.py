"""When schedules are due: time zones, clock changes, rates, dates."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.emulator.scheduler.times import check, due


def _due(expression: str, zone: str, after: str, count: int, **more: Any) -> list[str]:
    """Return when a schedule made at `after` is due, in UTC."""
    after_s = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    schedule = {
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": zone,
        "CreationDate": after_s,
        **more,
    }
    times = itertools.islice(due(schedule, after_s), count)
    return [datetime.fromtimestamp(one, UTC).strftime("%Y-%m-%d %H:%M") for one in times]


@pytest.mark.parametrize(
    ("zone", "after", "wanted"),
    [
        # New York has no 02:30 on 14 March 2027, and Berlin none on 28 March.
        ("America/New_York", "2027-03-13", ["2027-03-13 07:30", "2027-03-15 06:30"]),
        ("Europe/Berlin", "2027-03-27", ["2027-03-27 01:30", "2027-03-29 00:30"]),
        ("UTC", "2027-03-27", ["2027-03-27 02:30", "2027-03-28 02:30"]),
        # Half an hour in Australia's Lord Howe Island: 02:30 occurs on 3 October 2027, 02:00 does not.
        ("Australia/Lord_Howe", "2027-10-02", ["2027-10-02 15:30", "2027-10-03 15:30"]),
    ],
)
def test_a_time_that_the_clock_skips_is_not_made_up_for(zone: str, after: str, wanted: list[str]) -> None:
    """Half past two is left out on the day without one, and keeps to the zone's new offset afterwards."""
    assert _due("cron(30 2 * * ? *)", zone, after, 2) == wanted


def test_a_time_that_occurs_twice_is_due_once() -> None:
    """Berlin's clock shows 02:30 at 00:30 and at 01:30 UTC on 31 October 2027: the first counts."""
    wanted = ["2027-10-30 00:30", "2027-10-31 00:30", "2027-11-01 01:30"]
    assert _due("cron(30 2 * * ? *)", "Europe/Berlin", "2027-10-30", 3) == wanted


def test_nothing_is_due_again_in_the_repeated_hour() -> None:
    """A cron for every half hour, asked in the second pass through the hour, is next due after it."""
    times = _due("cron(0/30 * * * ? *)", "Europe/Berlin", "2027-10-31T01:05", 2)
    assert times == ["2027-10-31 02:00", "2027-10-31 02:30"]


def test_a_day_of_a_rate_is_24_hours() -> None:
    """A rate keeps to the clock of UTC across a change of the zone's."""
    first = datetime(2027, 10, 30, 6, tzinfo=UTC).timestamp()
    times = _due("rate(1 day)", "Europe/Berlin", "2027-10-30", 3, StartDate=first)
    assert times == ["2027-10-30 06:00", "2027-10-31 06:00", "2027-11-01 06:00"]


def test_a_schedule_is_due_between_its_dates_only() -> None:
    """Neither before the start nor after the end."""
    start, end = datetime(2027, 5, 3, tzinfo=UTC).timestamp(), datetime(2027, 5, 4, 12, tzinfo=UTC).timestamp()
    times = _due("cron(0 8 * * ? *)", "UTC", "2027-05-01", 9, StartDate=start, EndDate=end)
    assert times == ["2027-05-03 08:00", "2027-05-04 08:00"]


def test_a_single_time_is_in_the_schedules_zone() -> None:
    """`at` has no offset of its own."""
    assert _due("at(2027-07-01T09:00:00)", "Asia/Tokyo", "2027-05-01", 9) == ["2027-07-01 00:00"]


@pytest.mark.parametrize(
    ("expression", "zone", "says"),
    [
        ("cron(0 8 * * ? *)", "Mars/Olympus", "Time Zone Mars/Olympus"),
        ("cron(0 8 * * * *)", "UTC", "Schedule Expression cron(0 8 * * * *)"),
        ("every day", "UTC", "Schedule Expression every day"),
        ("at(2027-13-01T00:00:00)", "UTC", "month"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(expression: str, zone: str, says: str) -> None:
    """The error names the expression or the zone."""
    with pytest.raises(ValueError, match=r".") as raised:
        check(expression, zone)
    assert says in str(raised.value)
