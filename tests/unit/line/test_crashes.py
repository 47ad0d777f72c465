"""The process dies at any point between two effects, and nothing is lost, doubled or miscounted."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable

import pytest
from activation.ledger.runs import RunState

from tests.unit.line.effects import effects
from tests.unit.line.platform import Fault
from tests.unit.line.world import World, people, table

Make = Callable[..., World]
BAD = ["not an address", "", "n/a"]


def mixed(good: list[str]) -> tuple[str, list[str]]:
    """Write a file with a row that is no address behind every other one."""
    rows = [row for at, one in enumerate(good) for row in ([one, BAD[at % 3]] if at % 2 else [one])]
    return "email\n" + "".join(f'"{row}"\n' for row in rows), rows


@pytest.mark.parametrize("can_ask", [False, True])
def test_a_crash_before_any_one_effect_costs_at_most_one_batch(make_world: Make, can_ask: bool) -> None:
    """Wherever the process dies, the run ends complete, and what was in flight is all that is sent again."""
    good = people(5)
    text, rows = mixed(good)
    for at in effects(1, 61):
        world = make_world(can_ask=can_ask)
        world.platform.drops = set()
        body = world.drop(text)
        world.aws.fuse.set(at)
        world.run(body)
        where = world.aws.fuse.trace[-1:]
        receipt = world.check(*good)
        assert receipt["rows"]["in"] == len(rows), where
        assert receipt["rows"]["rejected_by_us"] == len(rows) - len(good)
        assert receipt["resent"] <= world.crashes + world.platform.lost
        assert world.platform.resent == 0 or not can_ask
        assert {one["DetailType"] for one in world.events} == {"Activation Completed"}
        assert world.take_dead_letters() == []
        if not world.crashes:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")
    assert at > 20


@pytest.mark.parametrize("seed", range(12))
def test_many_crashes_at_random_with_lost_answers_and_several_in_flight(make_world: Make, seed: int) -> None:
    """A run that dies again and again, loses answers and is throttled still ends complete and counted."""
    chance = random.Random(seed)
    world = make_world(in_flight=chance.choice([1, 3]), can_ask=chance.random() < 0.5, max_rows=3)
    good = people(40)
    text, rows = mixed(good)
    data = gzip.compress(text.encode()) if seed % 2 else text.encode()
    world.platform.refuses = {_sent(good[7])}
    world.platform.drops = {_sent(good[20])}
    for _ in range(3):
        world.platform.faults.append(Fault(skip=chance.randrange(12), lost=chance.choice(["before", "after"])))
    world.platform.faults.append(Fault(skip=5, status=429, headers={"retry-after": "20"}))
    crashes = [chance.randrange(20, 45) for _ in range(4)]
    world.aws.before.append(lambda name, _: _arm(world, crashes))
    body = world.event(world.put(data, f"{world.name}/vip/raw/people.csv"))
    world.run(body)
    world.redrive()
    world.run()
    receipt = world.check(*(one for one in good if one not in (good[7], good[20])))
    assert receipt["rows"]["in"] == len(rows)
    counted = receipt["rejected_by_platform"]
    assert counted in ({"bad_member": 1, "row_refused": 1}, {"bad_member": 1, "refused": 1})
    named = {row for row, _, code in world.rejects() if code in ("bad_member", "row_refused")}
    assert named == {
        str(rows.index(one) + 1) for one in (good[7], good[20])[: 2 if "row_refused" in counted else 1]
    }


def test_a_crash_in_the_middle_of_a_bisection_repeats_no_half_that_was_taken(make_world: Make) -> None:
    """Halves acknowledged before a crash are not sent again, and the bad row is found all the same."""
    emails = people(8)
    for at in effects(20, 160):
        world = make_world(max_rows=8)
        world.platform.refuses = {_sent(emails[6])}
        body = world.drop(table(emails))
        world.aws.fuse.set(at)
        world.run(body)
        receipt = world.check(*(one for one in emails if one != emails[6]))
        assert receipt["rejected_by_platform"] == {"bad_member": 1}
        assert world.rejects() == [("7", "", "bad_member")]
        assert world.platform.batches.total() <= 4 + world.crashes
        if not world.crashes:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")


def test_a_crash_of_the_close_and_after_it(make_world: Make) -> None:
    """Closing an upload may be repeated, with the same handles, and the run ends once."""
    emails = people(4)
    for at in effects(20, 160):
        world = make_world(handles=True)
        world.platform.close_says = ["working", "working", "working"]
        body = world.drop(table(emails))
        world.aws.fuse.set(at)
        world.run(body)
        receipt = world.check(*emails)
        assert receipt["platform_notes"] == {"matched": "all"}
        assert len(set(world.platform.closed)) == 1 or world.platform.resent
        if not world.crashes:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")


def test_a_message_that_crashes_every_time_is_a_dead_letter_that_a_redrive_goes_on_from(make_world: Make) -> None:
    """After five crashes the message is dead, the run is not; redriven, it goes on after what was acknowledged."""
    world = make_world()
    emails = people(9)
    die = Fault(skip=1, times=10**6, act=lambda: _die(world))
    world.platform.faults.append(die)
    body = world.drop(table(emails))
    world.run(body)
    assert world.crashes == 5
    assert world.run_of(body).state is RunState.RUNNING
    die.times = 0
    world.redrive()
    world.run()
    world.check(*emails)


def _die(world: World) -> None:
    world.aws.fuse.set(1)
    world.aws.fuse.begin("a crash while the platform works")


def _arm(world: World, crashes: list[int]) -> None:
    """Set the fuse for the next of the planned crashes."""
    if crashes and world.aws.fuse.at == 0:
        world.aws.fuse.at = world.aws.fuse.count + crashes.pop()


def _sent(email: str) -> str:
    from tests.unit.line.platform import hashed

    return hashed(email)
