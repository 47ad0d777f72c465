"""A mirror keeps to the options of its audience: the guard, and whether others fill it too."""

from __future__ import annotations

import json
from dataclasses import replace

from activation.mirror.guard import Guard

from tests.unit.line.mirrors import Make, check_holds, deliver, mirror, mirror_world
from tests.unit.line.world import World, people


def say(world: World, **options: object) -> None:
    """Write the audience's file."""
    world.put(json.dumps(options), f"{world.name}/vip/_audience.json")


def test_the_guard_of_the_audience_comes_before_the_connectors(make_world: Make) -> None:
    """A share that is said of the audience counts, and what it does not say is the connector's."""
    world = mirror_world(make_world)
    world.settings = replace(world.settings, guard=Guard(leave=0.05, shrink=0.05))
    world.restart()
    deliver(world, people(10))
    assert deliver(world, people(8))["reason"]["code"] == "needs_approval"
    say(world, guard={"leave": "50%"})
    assert deliver(world, people(7))["reason"]["code"] == "needs_approval"  # the connector's: it would shrink
    say(world, guard={"leave": 0.5, "shrink": "50%"})
    assert deliver(world, people(6))["state"] == "applied"
    check_holds(world, people(6))


def test_an_audience_that_its_options_call_shared_is_never_replaced(make_world: Make) -> None:
    """Those whom others have added stay."""
    world = mirror_world(make_world, replaces=True)
    say(world, shared=True)
    deliver(world, people(10))
    receipt = deliver(world, people(9))
    assert (receipt["state"], receipt["mirror"]["mode"]) == ("applied", "difference")


def test_a_mirror_awaits_an_audience_that_another_run_has_just_created(make_world: Make) -> None:
    """What the platform does not list yet is neither created again nor taken to be deleted."""
    world = mirror_world(make_world)
    world.platform.hidden_s = 200
    first, second = mirror(world, people(10)), mirror(world, people(9))
    world.run(*first, *second)
    assert world.platform.created == 1
    assert sorted(one["state"] for one in world.receipts()) == ["applied", "applied"]
    check_holds(world, people(9))
