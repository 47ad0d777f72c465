"""Chance at work on one run: kills, throttles, broken connections, lost answers and duplicate events."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from tests.end_to_end.dialects.meta import refusal
from tests.end_to_end.people import Person, as_csv, people
from tests.end_to_end.records import Put
from tests.faults.scenario import SEED, Scenario

ROWS_IN_FLIGHT = 5_000  # so that there are calls enough to cut off, however many go at once
VISIBILITY_S = 1_800


@dataclass(frozen=True)
class Plan:
    """How large the drop is, how many requests are in flight at once, and how many calls are to be cut off."""

    rows: int
    in_flight: int
    kills: int


@dataclass
class Chaos:
    """One run and what is done to it; everything that is left to chance follows from the suite's seed."""

    scenario: Scenario
    plan: Plan
    calls_cut_off: int = 0
    duplicates: int = 0
    _body: str = ""

    def begin(self) -> tuple[Put, list[Person]]:
        """Drop the file; the platform is slow, and misbehaves as the seed says."""
        line = self.scenario.line
        line.configure(
            0,
            {
                "REQUESTS_IN_FLIGHT": str(self.plan.in_flight),
                "MAX_ROWS_PER_REQUEST": str(ROWS_IN_FLIGHT // self.plan.in_flight),
            },
        )
        line.sandbox.simulator_config(line.platform, latency_s=0.7)
        line.sandbox.simulator_faults(line.platform, *self._script())
        some = people(self.plan.rows, f"chaos{self.plan.in_flight}", phones=False)
        with line.held_back():
            put = line.put(f"Chaos {self.plan.in_flight}", as_csv(some, header=("email",)))
            (self._body,) = line.take_messages(1)
            line.send(self._body)
        return put, some

    @property
    def lost_answers(self) -> int:
        """Count the answers that were lost on the way, as the platform saw it."""
        return sum(1 for one in self.scenario.line.calls() if one["fault"] == "after")

    def disturb(self, put: Put) -> None:
        """Kill workers, each with a call in flight, until the plan is done; now and then an event comes twice."""
        line, chance, call = self.scenario.line, self.scenario.chance, 0
        while self.calls_cut_off < self.plan.kills:
            call = line.kill_in_flight(after=call + chance.choice((0, 1, 2)), within_s=120)
            self.calls_cut_off += 1
            if chance.random() < 0.4:
                line.send(self._body)
                self.duplicates += 1
            line.pass_time(VISIBILITY_S)
        line.redrive_when_quiet()

    def report(self, receipt: dict[str, Any]) -> None:
        """Return what was done and what came of it."""
        line, sent = self.scenario.line, self.scenario.line.sent()
        sys.stdout.write(
            f"\nchaos, seed {SEED}, {self.plan.in_flight} in flight: {self.plan.rows:,} rows, {line.kills} kills"
            f" ({self.calls_cut_off} with a call in flight), {self.lost_answers} lost answers,"
            f" {self.duplicates} duplicate events, {len(line.calls())} uploads, {sent.resent} taken twice,"
            f" receipt {receipt['state']}, {receipt['seconds']:.0f} s\n"
        )

    def _script(self) -> list[dict[str, Any]]:
        """Return four of each fault, in an order and at distances left to chance."""
        kinds: tuple[dict[str, Any], ...] = (
            {"route": "/users", "drop": "after"},
            {"route": "/users", "drop": "before"},
            {"route": "/users", "status": 502, "body": "<html>Bad Gateway</html>"},
            {"route": "/sessions", "status": 500, "body": ""},
            refusal(17, 2446079),
            refusal(1, status=500),
        )
        script = [dict(kind) for kind in kinds for _ in range(4)]
        self.scenario.chance.shuffle(script)
        return [{**one, "skip": self.scenario.chance.randrange(1, 4)} for one in script]
