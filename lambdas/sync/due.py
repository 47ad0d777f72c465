"""When a declaration is due: slots on a wall clock, of which the newest that has come is extracted, once.

A time that the clock skips comes as late as the clock is put forward, and one that the clock shows twice comes
the first time. A slot is named by its time in UTC, so that names sort as the slots come: in an hour that comes
twice as well, and after a declaration was given another time zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lambdas.sync.declaration import Declaration, Schedule


@dataclass(frozen=True, order=True)
class Slot:
    """A time at which a declaration is due: when that is, in UTC."""

    at: datetime

    @property
    def name(self) -> str:
        """Return the slot's name: its time to the second, as in 2026-12-01T13:00:00Z."""
        return f"{self.at:%Y-%m-%dT%H:%M:%SZ}"


def slot_time(name: str) -> datetime:
    """Return the time that a slot's name says, in UTC; raises ValueError for a text that is no name."""
    return datetime.strptime(name, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def newest_slot(schedule: Schedule, now: datetime) -> Slot | None:
    """Return the newest slot that has come at `now`, which has a zone; None before the first."""
    number = _number_before(schedule, now)
    return None if number < 0 else _slot(schedule, number)


def next_slot(schedule: Schedule, now: datetime) -> Slot:
    """Return the first slot that has not come at `now`."""
    return _slot(schedule, _number_before(schedule, now) + 1)


def due_slot(declaration: Declaration, now: datetime, last: str) -> Slot | None:
    """Return the slot to extract now, None for none; `last` is the name of the newest one so far, "" for none."""
    if declaration.paused:
        return None
    asked_for = declaration.asked_for
    slots = [newest_slot(declaration.schedule, now)]
    if asked_for is not None and asked_for <= now:
        slots.append(slot_at(asked_for))
    newest = max(filter(None, slots), default=None)
    return newest if newest is not None and newest.name > last else None


def following_slot(declaration: Declaration, now: datetime, last: str) -> Slot:
    """Return the slot that follows `last`: the one that a tick would queue now, else the first that is to come."""
    return due_slot(declaration, now, last) or next_slot(declaration.schedule, now)


def slot_at(at: datetime) -> Slot:
    """Return a slot beside the schedule, such as one that somebody asks for now."""
    return Slot(at.astimezone(UTC).replace(microsecond=0))


def _number_before(schedule: Schedule, now: datetime) -> int:
    """Return the number of the newest slot that has come, -1 for none; the schedule's first has the number 0.

    Of the times that the clock skips, several may come at one moment; the newest of them counts.
    """
    wall = now.astimezone(schedule.zone).replace(tzinfo=None)
    # The wall clock is off by what a clock change takes: by two hours at most, but for a change of the date line.
    number = (wall - _first(schedule)) // _step(schedule) + timedelta(days=1) // _step(schedule) + 1
    while number >= 0 and _slot(schedule, number).at > now:
        number -= 1
    return max(number, -1)


def _slot(schedule: Schedule, number: int) -> Slot:
    wall = _first(schedule) + number * _step(schedule)
    # Of a time that the clock skips, fold 0 has the offset from before, so that it comes after the gap; of one
    # that it shows twice, fold 0 is the first: https://docs.python.org/3/library/datetime.html, read 2026-11-30.
    return Slot(wall.replace(tzinfo=schedule.zone).astimezone(UTC))


def _first(schedule: Schedule) -> datetime:
    return datetime.combine(schedule.start, schedule.at)


def _step(schedule: Schedule) -> timedelta:
    return timedelta(hours=schedule.every_hours)
