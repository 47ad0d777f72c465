"""Removals that the platform refuses line by line: nobody is taken to be gone who may still be in the audience."""

from __future__ import annotations

from typing import Any

import pytest
from activation.ledger.runs import RunState

from tests.unit.line.effects import effects
from tests.unit.line.mirrors import (
    DIFFERS,
    Make,
    check_holds,
    counts,
    deliver,
    kept,
    mirror,
    mirror_world,
    state_of,
)
from tests.unit.line.platform import hashed
from tests.unit.line.world import World, people

POINTS = 200
OLD, NEW = people(20), [*people(15, start=6), *people(1, start=50)]
LEFT = people(5)


def refusing(make_world: Make, *, names: bool, **settings: Any) -> World:
    """Return a world in which the platform has the old list, and refuses to remove the second who leaves."""
    world = mirror_world(make_world, in_flight=1, **settings)
    deliver(world, OLD)
    world.platform.drops = {hashed(LEFT[1])}
    world.platform.unnamed_drops = not names
    return world


@pytest.mark.parametrize("names", [True, False], ids=["named", "counted"])
def test_a_refused_removal_is_made_again_by_the_next_mirror(make_world: Make, names: bool) -> None:
    """The receipt says so; where the platform only counts, all lines of that request are removed again."""
    world = refusing(make_world, names=names)
    receipt = deliver(world, NEW)
    assert receipt["state"] == RunState.APPLIED
    world.check_sums(receipt)
    assert (receipt["mirror"]["removed"], receipt["mirror"]["removals_refused"]) == (4, 1)
    assert "1 of 5 lines" in receipt["platform_notes"]["removals_refused"]
    check_holds(world, [*NEW, LEFT[1]])
    (still,) = state_of(world).pending
    assert still.adds is not None
    assert still.adds.lines == (1 if names else 3)  # the requests of these worlds have three lines
    assert len(kept(world)) == len(state_of(world).objects())
    assert not [key for bucket, key in world.aws.s3.objects if "removals" in key]
    world.platform.drops = set()
    receipt = deliver(world, NEW)
    check_holds(world, NEW)
    assert counts(receipt) == {"unchanged": 16, "left": 1 if names else 3}
    assert "removals_refused" not in receipt["platform_notes"]
    assert state_of(world).pending == ()
    world.check_sums(receipt)


def test_a_line_that_is_refused_again_and_again_stays_noted(make_world: Make) -> None:
    """It is removed with each mirror until the platform takes it, and nobody else leaves for that."""
    world = refusing(make_world, names=True)
    for _ in range(3):
        receipt = deliver(world, NEW)
        assert receipt["mirror"]["removals_refused"] == 1
        check_holds(world, [*NEW, LEFT[1]])
    world.platform.drops = set()
    deliver(world, NEW)
    check_holds(world, NEW)


def test_who_comes_back_is_not_removed_for_an_earlier_refusal(make_world: Make) -> None:
    """Somebody whose removal was refused is in the next list: they stay, and are sent again."""
    world = refusing(make_world, names=True)
    deliver(world, NEW)
    world.platform.drops = set()
    receipt = deliver(world, [*NEW, LEFT[1]])
    check_holds(world, [*NEW, LEFT[1]])
    world.check_sums(receipt)
    assert state_of(world).pending == ()


def test_a_person_of_several_requests_is_kept_if_one_is_refused(make_world: Make) -> None:
    """The platform takes one kind of identifier a request, and refuses one of the two."""
    world = mirror_world(make_world, one_kind=True, in_flight=1)

    def text(first: int, last: int) -> str:
        return "email,spare\n" + "".join(f"a{n}@x.example,c{n}@x.example\n" for n in range(first, last))

    deliver(world, text(0, 12))
    world.platform.drops = {hashed("c1@x.example")}
    deliver(world, text(2, 13))
    assert hashed("c1@x.example") in world.platform.cells
    world.platform.drops = set()
    deliver(world, text(2, 13))
    wanted = {hashed(f"{kind}{n}@x.example") for kind in "ac" for n in range(2, 13)}
    assert world.platform.cells == wanted


def test_a_refusal_that_comes_after_the_acknowledgement_keeps_all_lines(make_world: Make) -> None:
    """Nobody knows which lines it is about, so the next mirror removes all of them again."""
    world = make_world(actions=DIFFERS, handles=True, strict=True, in_flight=1)
    deliver(world, OLD)
    world.platform.close_says = ["working", "done"]
    world.platform.follow_says = [{"state": "done", "refused": [{"refused_late": 1}, {}]}]
    receipt = deliver(world, NEW)
    assert receipt["state"] == RunState.APPLIED
    (still,) = state_of(world).pending
    assert still.adds is not None
    assert still.adds.lines == len(LEFT)
    deliver(world, NEW)
    check_holds(world, NEW)
    assert state_of(world).pending == ()


@pytest.mark.parametrize("names", [True, pytest.param(False, marks=pytest.mark.faults)], ids=["named", "counted"])
def test_a_crash_at_any_effect_forgets_no_refusal(make_world: Make, names: bool) -> None:
    """Killed anywhere, the run ends with whoever stays noted as to be removed."""
    for at in effects(1, POINTS):
        world = refusing(make_world, names=names)
        events = mirror(world, NEW)
        world.aws.fuse.set(at)
        world.run(*events)
        assert world.run_of(events[-1]).state is RunState.APPLIED, at
        check_holds(world, [*NEW, LEFT[1]])
        assert state_of(world).pending, at
        world.platform.drops = set()
        crashed = world.crashes
        deliver(world, NEW)
        check_holds(world, NEW)
        assert state_of(world).pending == (), at
        if not crashed:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")
    assert at > 20
