"""A case of the fault suite: a drop is sent through a line that is disturbed, and then everything is counted."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.end_to_end.dialects import Dialect
from tests.end_to_end.line import Line
from tests.end_to_end.people import Person, as_csv, people
from tests.end_to_end.records import Put

SEED = 20261122  # of every random choice
BATCH_ROWS = 250
SETTINGS = {"REQUESTS_IN_FLIGHT": "1", "MAX_ROWS_PER_REQUEST": str(BATCH_ROWS)}


@dataclass
class Result:
    """What a case came to on a connector, for the table. `simulated_s` is time that passed without waiting."""

    number: str
    what: str
    on: str
    delivered: str = "-"
    resent: int = 0
    bound: int = 0
    simulated_s: float = 0.0
    seconds: float = 0.0
    passed: bool = False


@dataclass
class Scenario:
    """One case: its line with small requests, one in flight, and people whom nobody else is."""

    line: Line
    result: Result
    chance: random.Random
    began: float = field(default_factory=time.monotonic)
    _delivered: int = 0
    _expected: int = 0

    @property
    def audience(self) -> str:
        """Return the case's audience."""
        return f"Case {self.result.number}"

    @property
    def dialect(self) -> Dialect:
        """Return what there is to know of the case's platform."""
        return self.line.dialect

    @property
    def short_s(self) -> int:
        """Return a timeout just above what a function keeps for one call and what follows it."""
        return round(self.dialect.patience_s) + 24

    @property
    def uploads(self) -> int:
        """How many uploads a batch of people with e-mail address and phone number becomes."""
        return self.dialect.uploads

    def script(self, *faults: dict[str, Any]) -> None:
        """Make the case's platform misbehave."""
        self.line.sandbox.simulator_faults(self.line.platform, *faults)

    def set(self, **settings: Any) -> None:
        """Change settings of the case's platform."""
        self.line.sandbox.simulator_config(self.line.platform, **settings)

    def put_into(self, state: str) -> None:
        """Put the case's platform into one of the states that its dialect knows."""
        self.set(**self.dialect.states[state])

    def refuse(self, what: str, **more: Any) -> dict[str, Any]:
        """Return a line of the script: the platform refuses uploads in its own words for `what`."""
        return {"route": self.dialect.upload, **self.dialect.says[what], **more}

    def people(self, count: int, *, part: str = "", first: int = 0) -> list[Person]:
        """Make people of this case."""
        return people(count, f"{self.result.number}{part}".lower(), first=first)

    def start(self, batches: int = 12, *, latency_s: float = 0.0) -> tuple[Put, list[Person]]:
        """Drop a file of so many requests for the case's audience; the platform takes its time for each answer."""
        if latency_s:
            self.set(latency_s=latency_s)
        some = self.people(batches * BATCH_ROWS)
        return self.line.put(self.audience, as_csv(some)), some

    def check(
        self,
        put: Put,
        rows: int,
        expected: Sequence[Person],
        *,
        lost: int = 0,
        in_flight: int = 1,
        rejected_by_us: int = 0,
        rejected_by_platform: int = 0,
    ) -> dict[str, Any]:
        """Bring the run to its end and hold it to the promise; returns the receipt.

        Every row is acknowledged or rejected; the platform holds exactly the people it should; and it was sent no
        more than once but for what was in flight at a kill, for answers that were lost, and for uploads that the
        platform itself had thrown away.
        """
        receipt = self.line.finish(put, within_s=240)
        assert receipt["state"] == "applied", receipt["reason"]
        self.account(receipt, rows, rejected_by_us, rejected_by_platform)
        self.hold(put.audience, expected)
        thrown_away = receipt["batches"] * receipt.get("started_over", 0)
        self.bound(lost=lost + thrown_away, in_flight=in_flight)
        return receipt

    def account(self, receipt: dict[str, Any], rows: int, by_us: int = 0, by_platform: int = 0) -> None:
        """Assert the accounting identity of a run that has read its file to the end."""
        counted = receipt["rows"]
        assert counted == {
            "in": rows,
            "read": rows,
            "acknowledged": rows - by_us - by_platform,
            "rejected_by_us": by_us,
            "rejected_by_platform": by_platform,
        }
        lines = self.line.rejects(receipt)
        assert (
            len({row for row, _, _ in lines if row}) + sum(not row for row, _, _ in lines) == by_us + by_platform
        )

    def hold(self, audience: str, expected: Iterable[Person]) -> None:
        """Assert that the platform's audience is exactly these people, and note it for the table."""
        some = list(expected)
        held, wanted = self.line.held(audience), self.line.members(some)
        missing, unexpected = len(wanted - held), len(held - wanted)
        assert (missing, unexpected) == (0, 0), f"{missing} missing, {unexpected} unexpected of {len(wanted)}"
        self._delivered += sum(self.dialect.members(person) <= held for person in some)
        self._expected += len(some)
        self.result.delivered = f"{self._delivered}/{self._expected}"

    def bound(self, *, lost: int = 0, in_flight: int = 1) -> None:
        """Assert that no more was sent again than was in flight at the kills, and had its answer lost."""
        sent = self.line.sent()
        self.result.resent = sent.resent
        self.result.bound = self.line.kills * in_flight + lost
        assert sent.resent <= self.result.bound

    def end(self) -> None:
        """Note how long it took."""
        self.result.seconds = time.monotonic() - self.began
        self.result.simulated_s = self.line.simulated_s
