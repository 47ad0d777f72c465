"""A night of drops in a sandbox: its clock, what was dropped, what alarmed and cleared, and the sums."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.line import EVENT_S, QUIET_LOOKS, Line
from tests.end_to_end.people import Person, as_csv, people
from tests.end_to_end.records import Put
from tests.end_to_end.test_alarms import ALARM, OK, Alarms

AUDIENCE, BEGINS_H = "Night", 22
DROPS_AN_HOUR, STEP_MIN = 5, 12
PEOPLE = 1_200  # from 1,000 on TikTok lets an audience be changed
NO_ADDRESS = b"not an address,\n"
COUNTS = ("in", "acknowledged", "rejected_by_us", "rejected_by_platform")


@dataclass(frozen=True)
class NightDrop:
    """One drop of the night: the people of it alone, and whether the leaver, who is in each, is suppressed."""

    line: Line
    put: Put
    own: tuple[Person, ...]
    suppressed: bool = False

    @property
    def rows(self) -> int:
        """How many rows it has: its own people's, the leaver's, and one without an address."""
        return len(self.own) + 2


@dataclass
class Night:
    """Five drops an hour over the lines in turn; `leaver` is one person of every drop."""

    sandbox: Sandbox
    lines: Mapping[str, Line]
    alarms: Alarms
    leaver: Person
    minute: int = 0
    drops: list[NightDrop] = field(default_factory=list)
    table: list[tuple[str, str]] = field(default_factory=list)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _forgotten: bool = False
    _heard: int = 0
    _turns: Iterator[Line] | None = None

    @property
    def time(self) -> str:
        """The night's time of day."""
        hour, minute = divmod(self.minute, 60)
        return f"{(BEGINS_H + hour) % 24:02d}:{minute:02d}"

    def note(self, what: str) -> None:
        """Write a line of the table."""
        self.table.append((self.time, what))

    def hour(self, what: str, drops: int = DROPS_AN_HOUR) -> None:
        """Let as many drops come, twelve minutes apart."""
        self.note(what)
        for _ in range(drops):
            self.drop()
            self.pass_minutes(STEP_MIN)

    def drop(self, on: str = "") -> NightDrop:
        """Drop a file for the line whose turn it is, or for the one that is named."""
        self._turns = self._turns or cycle(self.lines.values())
        line = self.lines[on] if on else next(self._turns)
        number = len(self.drops)
        own = tuple(people(PEOPLE, f"night-{number}"))
        header, _, rows = as_csv([self.leaver, *own]).partition(b"\n")
        put = line.put(AUDIENCE, b"\n".join((header, NO_ADDRESS + rows)), file=f"{number}.csv")
        self.drops.append(NightDrop(line, put, own, self._forgotten))
        return self.drops[-1]

    def pass_minutes(self, minutes: int) -> None:
        """Let the lines do what they can now, then let time pass and note the alarms that changed."""
        self.settle()
        next(iter(self.lines.values())).pass_time(60 * minutes)
        self.minute += minutes
        self.settle()
        self._note_alarms()

    def settle(self, within_s: float = 120.0) -> None:
        """Wait until no function is at work and no message can be taken; what waits for its time may wait."""
        newest, end, quiet = time.monotonic(), time.monotonic() + within_s, 0
        while quiet < QUIET_LOOKS:
            assert time.monotonic() < end, f"still at work after {within_s:.0f} s"
            busy = self.sandbox.queue_waits()["delivering"] or any(
                one.queue_shows() for one in self.lines.values()
            )
            known = self._all_arrived() or time.monotonic() > newest + EVENT_S
            quiet = 0 if busy or not known else quiet + 1
            time.sleep(0.1)

    def finish(self) -> None:
        """Bring every run to its end, and keep the receipts by run."""
        self.receipts = {one.put.run_id: self.finish_one(one) for one in self.drops}
        self._note_alarms()

    def finish_one(self, one: NightDrop) -> dict[str, Any]:
        """Bring a drop's run to its end; return its receipt."""
        return one.line.finish(one.put, 300)

    def forget(self, forget: Callable[[], None]) -> None:
        """Forget the leaver: from here on every call that carries them is marked, and runs suppress them."""
        self.settle()
        marks = [part for one in self.lines.values() for part in _texts(one, self.leaver)]
        for line in self.lines.values():
            self.sandbox.simulator_watch(line.platform, *marks)
        self.drops = [replace(one, suppressed=not self._applied(one)) for one in self.drops]
        self._forgotten = True
        forget()

    def carried(self, line: Line) -> list[dict[str, Any]]:
        """Return the calls to a platform that carried the leaver since they were forgotten."""
        return [one for one in line.calls("") if one["watched"]]

    def wait_for(self, name: str, state: str) -> None:
        """Let minutes pass until an alarm has a state."""

        def reached() -> bool | None:
            if self.alarms.state(name) == state:
                return True
            self.pass_minutes(5)
            return None

        until(reached, 120)
        self._note_alarms()

    def fired(self) -> set[str]:
        """Return the names of the alarms that fired."""
        self.alarms.mailed("")
        return {one["AlarmName"] for one in self.alarms.heard if one.get("NewStateValue") == ALARM}

    def shown(self) -> Iterator[str]:
        """Return the lines of the table, and of the sums of rows if the night came to its end."""
        yield from (f"{at}  {what}" for at, what in self.table)
        if not self.receipts:
            return
        yield f"{'connector':<12} {'drops':>6} " + " ".join(f"{one.replace('_', ' '):>21}" for one in COUNTS)
        for name, line in (*self.lines.items(), ("all", None)):
            found = [self.receipts[one.put.run_id]["rows"] for one in self.drops if line in (one.line, None)]
            counts = (sum(one[count] for one in found) for count in COUNTS)
            yield f"{name:<12} {len(found):>6} " + " ".join(f"{count:>21,}" for count in counts)

    def _applied(self, one: NightDrop) -> bool:
        receipt = self.sandbox.receipt_so_far(one.put.receipt_key)
        return receipt is not None and receipt["state"] == "applied"

    def _all_arrived(self) -> bool:
        """Whether the newest drop's message came: its run is there, or it waits in the queue."""
        if not self.drops:
            return True
        last = self.drops[-1]
        return last.line.run(last.put) is not None or bool(last.line.queue_hides())

    def _note_alarms(self) -> None:
        self.alarms.mailed("")
        described = {one["AlarmName"]: one["AlarmDescription"] for one in self.alarms.all()}
        for one in self.alarms.heard[self._heard :]:
            if (state := one.get("NewStateValue")) in (ALARM, OK):
                word = "alarm" if state == ALARM else "clear"
                self.note(f"  {word}: {described[one['AlarmName']].partition(':')[0]}: {_metric(one)}")
        self._heard = len(self.alarms.heard)


@contextmanager
def outage(line: Line) -> Iterator[None]:
    """Let a platform answer every upload with its own kind of a server's error."""
    fault = {"route": line.dialect.upload, **line.dialect.says["server"], "times": None}
    line.sandbox.simulator_faults(line.platform, fault)
    try:
        yield
    finally:
        line.sandbox.simulator_faults(line.platform)


def _texts(line: Line, person: Person) -> set[str]:
    """Return the hashes of which a call that carries a person has at least one."""
    return {digest for member in line.members([person]) for _, digest in member}


def _metric(heard: Mapping[str, Any]) -> str:
    return str(heard["Trigger"]["MetricName"])
