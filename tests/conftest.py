"""One deployed sandbox for all tests that need one: the real CDK command, real functions, simulated platforms."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from cli import today
from sandbox import lifecycle, state
from sandbox.place import DEFAULT, Place
from tests.end_to_end.dialects import configured
from tests.end_to_end.driver import Sandbox
from tests.end_to_end.evidence import Evidence
from tests.end_to_end.line import Line

# Beside the developer's own sandbox, so that neither disturbs the other.
PLACE = Place(Path(os.environ.get("SANDBOX_DIRECTORY", DEFAULT.directory / "end_to_end")).resolve())


def pytest_configure() -> None:
    """Take the sandbox down also when the run is told to end: as at Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(autouse=True)
def fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every command believe that it is the day on which the platforms' versions were read."""
    monkeypatch.setattr(today, "today", lambda: date(2026, 11, 29))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Deploy the app as it is now and take it down at the end.

    SANDBOX_AUTH=1 enforces IAM; SANDBOX_KEEP=1 leaves the sandbox up, SANDBOX_DEPLOYED=1 uses one that was left up
    as it was deployed.
    """
    if os.environ.get("SANDBOX_DEPLOYED") == "1":
        yield Sandbox(state.load(PLACE).printed)
        return
    described = lifecycle.up(PLACE, auth=os.environ.get("SANDBOX_AUTH") == "1", streams=("sp-traffic",))
    try:
        yield Sandbox(described)
    finally:
        if os.environ.get("SANDBOX_KEEP") != "1":
            lifecycle.down(PLACE)


@pytest.fixture(scope="session")
def lines(sandbox: Sandbox) -> Iterator[dict[str, Line]]:
    """Return the line of each configured connector whose platform the tests know, by the connector's name."""
    made = {name: Line(sandbox, name, dialect.platform) for name, dialect in configured().items()}
    yield made
    for line in made.values():
        line.reset()


@pytest.fixture(scope="session")
def evidence(sandbox: Sandbox, lines: dict[str, Line]) -> Evidence:
    """Gather what the app emits."""
    line = next(iter(lines.values()))
    return Evidence.gather(sandbox, PLACE.log("aws"), line.variables["EVENT_BUS_NAME"])


@pytest.fixture
def meta(lines: dict[str, Line], evidence: Evidence) -> Iterator[Line]:
    """Return the Meta connector's line as deployed; after the test nobody's data may be found outside of it."""
    line = next(one for one in lines.values() if one.platform == "meta")
    line.reset()
    yield line
    line.sandbox.end_faults()
    assert evidence.search() == []
