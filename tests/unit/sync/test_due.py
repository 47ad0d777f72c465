"""When a declaration is due, in all zones, over clock changes and after an outage."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.sync.declaration import Declaration, Schedule, Target
from lambdas.sync.due import Slot, due_slot, following_slot, newest_slot, next_slot, slot_at, slot_time
from lambdas.sync.source import Selection

TICK = timedelta(minutes=5)
NEW_YORK = "America/New_York"
ZONES = ("America/Argentina/Buenos_Aires", NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe")
# A start four days before a clock change, and for how many days to look; Buenos Aires changes nothing.
CHANGES = {
    "America/Argentina/Buenos_Aires": (date(2026, 10, 30),),
    NEW_YORK: (date(2026, 3, 4), date(2026, 10, 28)),
    "Europe/Berlin": (date(2026, 3, 25), date(2026, 10, 21)),
    "Australia/Lord_Howe": (date(2026, 3, 31), date(2026, 9, 30)),
}


def declaration(schedule: Schedule, *, paused: bool = False, asked_for: datetime | None = None) -> Declaration:
    """Return a declaration with a schedule."""
    to = (Target("meta", "VIP"),)
    return Declaration("vip", "cdp", Selection((), table="t"), to, schedule, paused=paused, asked_for=asked_for)


def ticks(schedule: Schedule, begin: datetime, end: datetime, *, last: str = "") -> list[tuple[datetime, Slot]]:
    """Let a clock run from tick to tick, and return what became due at which."""
    found, now = [], begin
    while now < end:
        if slot := due_slot(declaration(schedule), now, last):
            found.append((now, slot))
            last = slot.name
        now += TICK
    return found


def walls(found: list[tuple[datetime, Slot]], zone: str) -> list[str]:
    """Return what a zone's wall clock shows at slots."""
    return [f"{slot.at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}" for _, slot in found]


@pytest.mark.parametrize("every_hours", [24, 48])
@pytest.mark.parametrize(("zone", "start"), [(zone, start) for zone in ZONES for start in CHANGES[zone]])
def test_the_wall_clock_shows_the_same_time_at_every_slot(zone: str, start: date, every_hours: int) -> None:
    """Each slot comes once, at the first tick from its local time on, before, on and after a clock change."""
    schedule = Schedule(start, time(10), ZoneInfo(zone), every_hours)
    begin = datetime.combine(start, time(0), ZoneInfo(zone))
    found = ticks(schedule, begin.astimezone(UTC), begin.astimezone(UTC) + timedelta(days=10))
    assert walls(found, zone) == [
        f"{start + timedelta(days=day)}T10:00" for day in range(0, 10, every_hours // 24)
    ]
    assert [slot.at for _, slot in found] == [now for now, _ in found]


@pytest.mark.parametrize("zone", ZONES)
def test_after_an_outage_the_newest_missed_slot_comes_once(zone: str) -> None:
    """Five days without a tick, over a clock change, lead to one slot at the first tick, then to none extra."""
    start = CHANGES[zone][-1]
    schedule = Schedule(start, time(10), ZoneInfo(zone), 24)
    back = datetime.combine(start + timedelta(days=5), time(13), ZoneInfo(zone)).astimezone(UTC)
    first = Slot(datetime.combine(start, time(10), ZoneInfo(zone)).astimezone(UTC))
    found = ticks(schedule, back, back + timedelta(days=2), last=first.name)
    assert walls(found, zone) == [f"{start + timedelta(days=day)}T10:00" for day in (5, 6, 7)]
    assert found[0][0] == back


@pytest.mark.parametrize(
    ("zone", "day", "at", "comes"),
    [
        (NEW_YORK, date(2026, 3, 8), time(2, 30), "2026-03-08T07:30"),  # 2:30 is skipped: 3:30 EDT
        (NEW_YORK, date(2026, 11, 1), time(1, 30), "2026-11-01T05:30"),  # 1:30 comes twice: the first, in EDT
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29T01:30"),
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), "2026-10-25T00:30"),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), "2026-10-03T15:45"),  # half an hour is skipped
    ],
)
def test_a_time_that_the_clock_skips_or_repeats_comes_once(zone: str, day: date, at: time, comes: str) -> None:
    """A skipped time comes later by what the clock skips, and a repeated one the first time."""
    schedule = Schedule(day, at, ZoneInfo(zone), 24)
    begin = datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)
    ((now, slot),) = ticks(schedule, begin, begin + timedelta(hours=20))
    assert now == slot.at == datetime.fromisoformat(f"{comes}+00:00")
    assert slot_time(slot.name) == slot.at


@pytest.mark.parametrize("every_hours", [1, 6])
def test_hours_on_the_wall_clock_lose_no_slot_at_a_clock_change(every_hours: int) -> None:
    """Where slots are hours apart the newest is the one that the clock shows, and none comes twice."""
    schedule = Schedule(date(2026, 10, 31), time(0), ZoneInfo(NEW_YORK), every_hours)
    begin = datetime(2026, 10, 31, tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)
    shown = walls(ticks(schedule, begin, begin + timedelta(hours=49)), NEW_YORK)
    expected = [
        datetime(2026, 10, 31) + timedelta(hours=hour)  # noqa: DTZ001  the wall clock's, which has no zone
        for hour in range(0, 48, every_hours)
    ]
    assert shown == [f"{wall:%Y-%m-%dT%H:%M}" for wall in expected]


def test_a_wish_in_the_hour_that_the_clock_shows_twice_is_due_at_its_own_time() -> None:
    """A next_sync of the second 01:30 comes after a slot of the first, and is not taken for it."""
    schedule = Schedule(date(2026, 10, 31), time(1, 30), ZoneInfo(NEW_YORK), 24)
    first, second = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    zone = ZoneInfo(NEW_YORK)
    assert first.astimezone(zone).time() == second.astimezone(zone).time() == time(1, 30)
    done = newest_slot(schedule, first)
    assert done == Slot(first)
    for asked in (second - timedelta(minutes=20), second, second + timedelta(minutes=20)):
        wanted = declaration(schedule, asked_for=asked)
        assert due_slot(wanted, asked - TICK, done.name) is None
        assert due_slot(wanted, asked + TICK, done.name) == Slot(asked)
        assert due_slot(wanted, asked + TICK, Slot(asked).name) is None


def test_before_the_first_slot_and_when_paused_nothing_is_due() -> None:
    """Nothing is due before `start` or while paused, and a slot that was extracted is not due again."""
    schedule = Schedule(date(2026, 12, 1), time(10), ZoneInfo("UTC"), 24)
    first = datetime(2026, 12, 1, 10, tzinfo=UTC)
    assert newest_slot(schedule, first - TICK) is None
    assert due_slot(declaration(schedule), first, "") == Slot(first)
    assert Slot(first).name == "2026-12-01T10:00:00Z"
    assert due_slot(declaration(schedule), first, "2026-12-01T10:00:00Z") is None
    assert due_slot(declaration(schedule, paused=True), first, "") is None


def test_what_is_asked_for_is_due_beside_the_schedule() -> None:
    """A time that somebody asks for is a slot once it has come, unless a newer one of the schedule has, too."""
    schedule = Schedule(date(2026, 12, 1), time(10), ZoneInfo("UTC"), 48)
    asked = datetime(2026, 12, 2, 8, 17, tzinfo=UTC)
    wanted = declaration(schedule, asked_for=asked)
    last = "2026-12-01T10:00:00Z"
    assert due_slot(wanted, asked - TICK, last) is None
    assert due_slot(wanted, asked + TICK, last) == Slot(asked)
    assert due_slot(wanted, asked + TICK, Slot(asked).name) is None
    assert due_slot(wanted, datetime(2026, 12, 3, 10, tzinfo=UTC), last) == newest_slot(
        schedule, datetime(2026, 12, 3, 10, tzinfo=UTC)
    )


def test_the_next_slot_is_the_first_that_has_not_come() -> None:
    """Before the start it is the start, on a slot the one after, also where the clock changes in between."""
    schedule = Schedule(date(2026, 10, 31), time(10), ZoneInfo(NEW_YORK), 48)
    start = datetime(2026, 10, 31, 14, tzinfo=UTC)
    assert next_slot(schedule, start - timedelta(days=9)) == Slot(start)
    assert next_slot(schedule, start) == Slot(datetime(2026, 11, 2, 15, tzinfo=UTC))
    assert slot_at(start + timedelta(microseconds=5)) == Slot(start)


# All of the tz database, from the year of this release on, for as long as its rules say anything of their own.
_SCHEDULES = st.builds(
    Schedule,
    st.dates(date(2026, 1, 1), date(2037, 12, 31)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(sorted(available_timezones())).map(ZoneInfo),
    st.one_of(st.sampled_from([1, 2, 6, 12, 24, 48, 168]), st.integers(1, 24 * 366)),
)
_LATER = st.timedeltas(timedelta(0), timedelta(days=800))
ANY_TIMES = given(_SCHEDULES, _LATER)


def _start(schedule: Schedule) -> datetime:
    return datetime.combine(schedule.start, schedule.at, schedule.zone).astimezone(UTC)


@ANY_TIMES
def test_in_every_zone_and_year_the_newest_and_the_next_slot_lie_on_both_sides_of_now(
    schedule: Schedule, later: timedelta
) -> None:
    """Nothing comes between them: every moment up to the next slot has the same newest one."""
    now = _start(schedule) + later
    newest, following = newest_slot(schedule, now), next_slot(schedule, now)
    assert newest is not None
    assert newest.at <= now < following.at
    assert newest_slot(schedule, following.at - timedelta(seconds=1)) == newest
    assert newest_slot(schedule, following.at) == following


@ANY_TIMES
def test_in_every_zone_and_year_a_slot_has_the_schedules_time_unless_the_clock_skips_it(
    schedule: Schedule, later: timedelta
) -> None:
    """Whole steps lie between a slot and the first one on the wall clock; a skipped time comes later."""
    found = newest_slot(schedule, _start(schedule) + later)
    assert found is not None
    wall = found.at.astimezone(schedule.zone)
    first = datetime.combine(schedule.start, schedule.at)
    over = (wall.replace(tzinfo=None) - first) % timedelta(hours=schedule.every_hours)
    assert wall.fold == 0
    assert not over or wall.utcoffset() != (found.at - timedelta(days=1)).astimezone(schedule.zone).utcoffset()


@given(_SCHEDULES, _LATER, st.sampled_from(sorted(available_timezones())).map(ZoneInfo), st.booleans())
def test_what_a_status_says_comes_next_is_what_the_ticks_queue_next(
    schedule: Schedule, later: timedelta, zone: ZoneInfo, moves: bool
) -> None:
    """So it is as well where the declaration was given another time zone since its last slot: none is skipped."""
    now = _start(schedule) + later
    last = newest_slot(schedule, now)
    assert last is not None
    wanted = declaration(replace(schedule, zone=zone) if moves else schedule)
    following = following_slot(wanted, now, last.name)
    seen = max(now, following.at)
    assert due_slot(wanted, seen, last.name) == following
    if following.at > now:
        assert due_slot(wanted, following.at - timedelta(seconds=1), last.name) is None
