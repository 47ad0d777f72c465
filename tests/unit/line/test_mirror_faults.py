"""Mirrors in trouble: wherever a run is killed or loses answers, nobody is in the audience wrongly."""

from __future__ import annotations

import random
from typing import Any

import pytest
from activation.ledger.runs import RunState

from tests.unit.line.effects import effects
from tests.unit.line.mirrors import Make, check_holds, deliver, kept, mirror, mirror_world, state_of
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.watched_aws import Crashed
from tests.unit.line.world import World, people, table

OLD, NEW = people(12), people(12, start=3)
POINTS = 200
each_way = pytest.mark.parametrize("replaces", [False, True], ids=["difference", "replace"])


def shared(first: int, count: int) -> tuple[str, set[str]]:
    """Return a file in which two rows each share an address, and the identifiers in it."""
    rows = [(f"a{number}@example.com", f"home{number // 2}@example.com") for number in range(first, first + count)]
    text = "email,spare\n" + "".join(f"{','.join(row)}\n" for row in rows)
    return text, {hashed(cell) for row in rows for cell in row}


def applied(world: World, events: list[str]) -> dict[str, Any]:
    """Assert that the run of a mirror came through, once, and return its receipt."""
    run = world.run_of(events[-1])
    assert run.state is RunState.APPLIED
    (receipt,) = [one for one in world.receipts() if one["run_id"] == run.pk.rpartition("#")[2]]
    world.check_sums(receipt)
    assert world.take_dead_letters() == []
    return receipt


@each_way
@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.faults)])
def test_a_crash_at_any_effect_changes_nothing_in_the_end(make_world: Make, replaces: bool, after: bool) -> None:
    """Killed while it compares, before it sends, in removes, in adds or before the commit, it ends alike."""
    for at in effects(1, POINTS):
        world = mirror_world(make_world, replaces=replaces)
        old, _ = shared(0, 10)
        new, wanted = shared(3, 10)
        deliver(world, old)
        events = mirror(world, new)
        world.aws.fuse.set(at, after=after)
        world.run(*events)
        where = (at, after, world.aws.fuse.trace[-1:])
        receipt = applied(world, events)
        assert world.platform.cells == wanted, where
        # Five rows joined or are next to somebody who left: no crash makes them more.
        assert receipt["rows"]["in"] == 10, where
        assert len(kept(world)) == len(state_of(world).objects()), where
        assert state_of(world).pending == (), where
        if not world.crashes:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")
    assert at > 30


@pytest.mark.parametrize(
    "replaces", [pytest.param(False, marks=pytest.mark.faults), True], ids=["difference", "replace"]
)
def test_a_run_that_is_never_resumed_is_made_good_by_the_next(make_world: Make, replaces: bool) -> None:
    """Its message is lost wherever it was killed; the next list is exact all the same."""
    for at in effects(1, POINTS):
        world = mirror_world(make_world, replaces=replaces)
        deliver(world, shared(0, 10)[0])
        events = mirror(world, shared(3, 10)[0])
        world.aws.fuse.set(at)
        world.send(*events)
        while world.queue and not world.crashes:
            message = world.queue.pop(0)
            world.clock.pass_s(max(0.0, message.due - world.clock()))
            try:
                world.handle(message.body)
            except Crashed:
                world.crashes += 1
        died = world.crashes > 0
        world.aws.fuse.set(0)
        world.queue.clear()
        world.restart()
        world.clock.pass_s(86_400)
        new, wanted = shared(1, 11)
        last = mirror(world, new)
        world.run(*last)
        applied(world, last)
        assert world.platform.cells == wanted, at
        assert state_of(world).pending == (), at
        if not died:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")


@each_way
@pytest.mark.parametrize("seed", range(8))
def test_many_crashes_and_lost_answers_at_random(make_world: Make, replaces: bool, seed: int) -> None:
    """Several requests in flight, answers lost on the way out and back, and a throttle between."""
    chance = random.Random(seed)
    world = mirror_world(
        make_world, replaces=replaces, in_flight=chance.choice([1, 3]), can_ask=chance.random() < 0.5
    )
    deliver(world, shared(0, 30)[0])
    for _ in range(3):
        world.platform.faults.append(Fault(skip=chance.randrange(12), lost=chance.choice(["before", "after"])))
    world.platform.faults.append(Fault(skip=4, status=429, headers={"retry-after": "20"}))
    crashes = [chance.randrange(20, 45) for _ in range(4)]
    new, wanted = shared(5, 30)
    world.aws.before.append(lambda name, _: _arm(world, crashes))
    events = mirror(world, new)
    world.run(*events)
    world.redrive()
    world.run()
    receipt = applied(world, events)
    assert world.platform.cells == wanted
    assert receipt["rows"]["in"] == 30


@each_way
def test_invocations_of_little_time_compare_and_send_a_little_each(make_world: Make, replaces: bool) -> None:
    """The comparison goes on where it was, and so do removes and adds."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, OLD)
    world.budget_s = 80.3
    before = world.handled
    receipt = deliver(world, NEW)
    assert world.handled - before > 3
    world.check_sums(receipt)
    check_holds(world, NEW)


@each_way
def test_a_second_mirror_waits_for_the_first(make_world: Make, replaces: bool) -> None:
    """Two lists at once: one after the other, and the audience holds the newer one."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, OLD)
    first, second = mirror(world, people(12, start=2)), mirror(world, NEW)
    world.run(*first, *second)
    check_holds(world, NEW)
    assert world.run_of(second[-1]).state is RunState.APPLIED


@each_way
def test_an_older_mirror_that_arrives_late_is_superseded(make_world: Make, replaces: bool) -> None:
    """It was put before the list that the audience holds."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, OLD)
    older, newer = mirror(world, people(12, start=2)), mirror(world, NEW)
    at = '"time": "2026-11-23T06:00:00Z", "source"'
    late = [one.replace('"source"', at, 1) for one in older]
    world.run(*newer)
    world.run(*late)
    check_holds(world, NEW)
    assert world.run_of(late[-1]).state is RunState.SUPERSEDED


@each_way
@pytest.mark.parametrize("harm", ["deleted", "damaged"])
def test_a_lost_state_stops_the_mirror_and_removes_nobody(make_world: Make, replaces: bool, harm: str) -> None:
    """What the audience holds is not known any more: the run is blocked, and says what to do."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, OLD)
    for name in kept(world):
        if harm == "deleted":
            world.aws.s3.delete_object(Bucket="mirrors", Key=name)
        else:
            world.aws.s3.put_object(Bucket="mirrors", Key=name, Body=b"something else")
    sent = world.platform.calls["users"]
    receipt = deliver(world, NEW)
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "state_lost")
    assert "audiences reset" in receipt["reason"]["sentence"]
    assert world.platform.calls["users"] == sent
    check_holds(world, OLD)
    world.connector.connector.mirrors.reset(f"account#tiny#{world.name}#audience#vip", "ann")
    world.redrive()
    world.run()
    (receipt,) = [one for one in world.receipts() if one["run_id"] == receipt["run_id"]]
    assert receipt["state"] == RunState.APPLIED
    # A replace is exact; a difference adds the list and knows nobody to remove.
    check_holds(world, NEW if replaces else [*OLD, *NEW])


@each_way
def test_a_run_that_fails_halfway_leaves_its_changes_noted(make_world: Make, replaces: bool) -> None:
    """The platform takes no more: the run fails, and the next one makes the audience exact."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, OLD)
    world.platform.faults.append(Fault(skip=1, times=1000, status=404))
    receipt = deliver(world, NEW)
    assert receipt["state"] == "failed"
    assert len(state_of(world).pending) == 1
    world.platform.faults.clear()
    deliver(world, people(12, start=2))
    check_holds(world, people(12, start=2))
    assert state_of(world).pending == ()


def test_a_new_state_that_an_older_release_cannot_read_blocks(make_world: Make) -> None:
    """Nothing is guessed of what a newer release has written."""
    world = mirror_world(make_world)
    deliver(world, OLD)
    (key,) = [one for one in world.aws.dynamodb.items if "#mirror#" in one]
    world.aws.dynamodb.items[key]["schema"] = {"N": "99"}
    receipt = deliver(world, NEW)
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "newer_state")
    check_holds(world, OLD)


def test_no_identifier_is_in_a_record_or_receipt(make_world: Make) -> None:
    """Hashes of people are in the bucket of mirrors alone."""
    world = mirror_world(make_world)
    deliver(world, table(OLD))
    deliver(world, table(NEW))
    text = repr(world.kept())
    assert not any(one in text or hashed(one) in text for one in (*OLD, *NEW))


def _arm(world: World, crashes: list[int]) -> None:
    if crashes and not world.aws.fuse.at:
        world.aws.fuse.set(crashes.pop(0))
