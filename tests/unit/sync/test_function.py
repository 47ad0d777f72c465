"""The function's ticks: what each notes and counts, in which order, and which of two ticks at once is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from activation.aws.clients import Clients
from aws_lambda_powertools import Metrics

from lambdas.sync import function
from lambdas.sync.catalogue import Catalogue, Found
from lambdas.sync.declaration import Declaration, TableDeclaration, TableRow
from lambdas.sync.ended import RunEnds
from lambdas.sync.function import Sync
from lambdas.sync.source import unreachable
from lambdas.sync.upcoming import Coming, Upcoming
from tests.unit.sync.world import INVOCATION_S, NEXT_SLOT, VIP, World

CONTEXT: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: int(INVOCATION_S * 1000))
TABLE = TableDeclaration("cdp", "cdp.rows", "vip", "{system_name}")
ROW = replace(VIP, name="cdp:kangoo", row=TableRow(TABLE, "kangoo"))
PAUSED = {"cdp:kangoo": Coming(NEXT_SLOT, "UTC", paused=True)}


@dataclass(frozen=True)
class Scripted(Catalogue):
    """Declarations that are read while the test does what it says in `meanwhile`."""

    found: Found = field(default_factory=lambda: Found(()))
    meanwhile: Callable[[], None] = lambda: None

    def all(self) -> Found:
        """Return the declarations as they were before `meanwhile`."""
        self.meanwhile()
        return self.found


@pytest.fixture(autouse=True)
def _metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "_metrics", Metrics(namespace="AudienceActivation", service="sync"))


def tick(
    world: World, row: Declaration, meanwhile: Callable[[], None] = lambda: None, *, locked: bool = False
) -> None:
    """Let a tick come that finds a row of a table, beside a table that cannot be read where one is `locked`."""
    problems, unread = ({"crm.rows": unreachable("the table is locked")}, ("crm",)) if locked else ({}, ())
    found = Found((row,), dict(problems), unread, has_tables=True)
    catalogue = Scripted(world.s3, "mirrors", found=found, meanwhile=meanwhile)
    ends = RunEnds(world.s3, "drops", "receipts", lambda _ended: None)
    upcoming = Upcoming(world.table, ttl_days=400)
    events: Any = None
    clients = Clients(world.s3, world.sqs, events, world.table)
    Sync(
        clients, catalogue, world.slots, world.extractor(), ends, upcoming, world.queue_url, lambda: world.now
    ).tick(CONTEXT)


def paused_later(world: World) -> Callable[[], None]:
    """Return a tick that comes five minutes later, when the row is paused."""

    def later() -> None:
        world.now += 300
        tick(world, replace(ROW, paused=True))

    return later


def noted(world: World) -> dict[str, Coming]:
    """Return what is noted of the rows' next slots."""
    return Upcoming(world.table, ttl_days=400).read()


def test_a_tick_that_extracts_for_long_leaves_what_a_later_one_noted(world: World) -> None:
    """What it found itself is noted before the extraction."""
    world.source.before = paused_later(world)
    tick(world, ROW)
    assert noted(world) == PAUSED
    assert world.source.extractions == 1


def test_a_tick_that_reads_for_long_is_not_stopped_by_what_a_later_one_noted(world: World) -> None:
    """The later tick's record stays, and the slot is extracted."""
    tick(world, ROW, paused_later(world))
    assert noted(world) == PAUSED
    assert world.source.extractions == 1


def test_a_table_that_cannot_be_read_is_counted_before_the_extraction(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tick whose process is killed meanwhile has counted it."""
    counted: list[float] = []

    def read() -> None:
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
        counted.extend(line["TablesUnreadable"][0] for line in lines)

    world.source.before = read
    tick(world, ROW, locked=True)
    assert counted == [1]
    assert world.source.extractions == 1
