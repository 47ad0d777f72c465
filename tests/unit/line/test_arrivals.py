"""Which drops count as come, for audiences that drops are expected for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.line.jobs import Job
from tests.unit.line.world import World, people, table


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Return a world that expects drops for one audience."""
    world = make_world()
    world.settings = replace(world.settings, expected=frozenset({"vip"}))
    world.restart()
    return world


def last(world: World, audience: str = "vip") -> float:
    """Return when a drop last came, 0 for never."""
    return world.connector.connector.arrivals.last(world.name, audience)


def test_a_drop_of_an_expected_audience_is_noted(world: World) -> None:
    """Of other audiences nobody asks."""
    began = world.clock()
    world.run(world.drop(table(people(1))), world.drop(table(people(1)), audience="other"))
    assert last(world) >= began
    assert last(world, "other") == 0


def test_who_is_forgotten_is_no_drop_that_was_expected(world: World) -> None:
    """Else a forget would hide that the export has stopped."""
    job = Job(world, "forget-0123456789ab/", action="remove")
    world.run(*job.parts(2), job.manifest("part-0"))
    assert len(world.receipts()) == 1
    assert last(world) == 0


@pytest.mark.parametrize("said", [{"again": "1"}, {"again": "1", "undo": "abc"}, {"replay-name": "missed"}])
def test_a_drop_that_somebody_here_sends_again_has_not_come_again(world: World, said: dict[str, str]) -> None:
    """Neither a forced replay nor an undo nor the archive's replay is the next export."""
    drop = world.drop(table(people(1)))
    world.run(json.dumps(json.loads(drop) | said))
    assert len(world.receipts()) == 1
    assert last(world) == 0
