"""When a declaration is due: slots on a wall clock, of which the newest that has come is extracted, once.

A slot is named by its local time, so a clock change makes none twice: a time that the clock skips comes as late as
the clock is put forward, and one that the clock shows twice comes the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lambdas.sync.declaration import Declaration, Schedule


@dataclass(frozen=True, order=True)
class Slot:
    """A time at which a declaration is due: when that is, in UTC, and its name, as in 2026-12-01T10:00."""

    at: datetime
    name: str


def newest_slot(schedule: Schedule, now: datetime) -> Slot | None:
    """Return the newest slot that has come at `now`, which has a zone; None before the first."""
    step = timedelta(hours=schedule.every_hours)
    first = datetime.combine(schedule.start, schedule.at)
    wall = now.astimezone(schedule.zone).replace(tzinfo=None)
    # The wall clock is off by the hour of a clock change at most, which is two slots where they are an hour apart.
    number = (wall - first) // step + 2
    while number >= 0:
        slot = _slot(schedule, first + number * step)
        if slot.at <= now:
            return slot
        number -= 1
    return None


def next_slot(schedule: Schedule, now: datetime) -> Slot:
    """Return the first slot that has not come at `now`."""
    step = timedelta(hours=schedule.every_hours)
    slot, last = datetime.combine(schedule.start, schedule.at), newest_slot(schedule, now)
    if last is not None:
        slot = datetime.fromisoformat(last.name) + step
    while (found := _slot(schedule, slot)).at <= now:
        slot += step
    return found


def due_slot(declaration: Declaration, now: datetime, last: str) -> Slot | None:
    """Return the slot to extract now, None for none; `last` is the name of the newest one so far, "" for none."""
    if declaration.paused:
        return None
    asked_for = declaration.asked_for
    slots = [newest_slot(declaration.schedule, now)]
    if asked_for is not None and asked_for <= now:
        slots.append(slot_at(declaration.schedule, asked_for))
    newest = max(filter(None, slots), default=None)
    return newest if newest is not None and newest.name > last else None


def slot_at(schedule: Schedule, at: datetime) -> Slot:
    """Return a slot beside the schedule, to the second, such as one that somebody asks for now."""
    wall = at.astimezone(schedule.zone).replace(tzinfo=None)
    return Slot(at.astimezone(UTC), _name(wall))


def _slot(schedule: Schedule, wall: datetime) -> Slot:
    # Of a time that the clock skips, fold 0 has the offset from before, so that it comes after the gap; of one
    # that it shows twice, fold 0 is the first: https://docs.python.org/3/library/datetime.html, read 2026-11-30.
    return Slot(wall.replace(tzinfo=schedule.zone).astimezone(UTC), _name(wall))


def _name(wall: datetime) -> str:
    """Return a wall clock's time as text that sorts as the times do; seconds only where there are some."""
    return wall.isoformat(timespec="seconds" if wall.second else "minutes")
