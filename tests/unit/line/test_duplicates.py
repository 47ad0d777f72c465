"""Messages that come twice or late, and workers that come back: one run, and one receipt."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.ledger.runs import RunState

from tests.unit.line.platform import Fault
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


def test_duplicates_of_a_finished_run_do_nothing(world: World) -> None:
    """A second event, a replay and an old continuation of a finished version cause no call and no event."""
    body = world.drop(table(people(4)))
    world.run(body)
    calls, told = world.platform.calls.total(), len(world.events)
    world.run(body, json.dumps(json.loads(body) | {"replay-name": "yesterday"}), body)
    assert (world.platform.calls.total(), len(world.events)) == (calls, told)
    world.check(*people(4))


def test_duplicates_of_a_run_that_stopped_do_not_stop_it_again(make_world: Make) -> None:
    """People hear of it once, in one dead letter; that one, or a replay, goes on."""
    for replayed in (False, True):
        world = make_world()
        world.platform.faults.append(Fault(skip=1, status=403))
        body = world.drop(table(people(6)))
        world.run(body, body, body)
        assert [one["DetailType"] for one in world.events] == ["Activation Blocked"]
        (letter,) = world.take_dead_letters()
        world.run(json.dumps(json.loads(body) | {"replay-name": "the day"}) if replayed else letter["Body"])
        world.check(*people(6))


def test_a_forced_run_is_a_run_of_its_own(world: World) -> None:
    """With a word of the operator's a finished drop is sent once more, and has a receipt of its own."""
    body = world.drop(table(people(2)))
    world.run(body)
    world.run(json.dumps(json.loads(body) | {"again": "2026-11-22"}))
    assert len(world.receipts()) == 2
    assert set(world.platform.members.values()) == {2}


def test_duplicates_at_every_state_leave_one_run(make_world: Make) -> None:
    """However often the event comes while a run waits and goes on, every row is sent once."""
    world = make_world()
    world.budget_s = 80.35
    world.platform.faults.append(Fault(skip=2, status=429, headers={"retry-after": "100"}))
    body = world.drop(table(people(20)))
    world.aws.before.append(
        lambda name, _: world.send(body) if name == "update_item" and world.handled % 3 == 1 else None
    )
    world.run(body)
    world.check(*people(20))
    assert world.platform.resent == 0
    assert world.dead_codes() == []


def test_while_one_worker_holds_a_run_another_reports_failure(make_world: Make) -> None:
    """The loser may not acknowledge its message: it would be lost if the winner died."""
    world = make_world()
    body = world.drop(table(people(3)))
    seen: list[float] = []

    def second() -> None:
        with pytest.raises(LeaseHeld) as held:
            world.handle(body)
        seen.append(held.value.for_s)

    world.platform.faults.append(Fault(act=second))
    world.run(body)
    world.check(*people(3))
    assert 150 < seen[0] <= 210
    assert world.platform.resent == 0


def test_an_older_message_of_a_run_that_another_holds_is_let_go(make_world: Make) -> None:
    """The event come twice, while a continuation holds the run, is no dead letter in the making."""
    world = make_world()
    body = world.drop(table(people(6)))
    seen: list[RunState | None] = []
    world.budget_s = 80.25
    world.platform.faults.append(Fault(skip=1, act=lambda: seen.append(world.handle(body))))
    world.run(body)
    world.check(*people(6))
    assert seen == [None]


def test_a_zombie_records_and_says_nothing(make_world: Make) -> None:
    """A worker whose lease ran out during a call neither counts, nor receipts, nor announces, nor continues."""
    world = make_world()
    body = world.drop(table(people(6)))

    def taken_over() -> None:
        world.clock.pass_s(1000)
        world.restart()
        world.handle(body)

    world.platform.faults.append(Fault(act=taken_over))
    with pytest.raises(LeaseLost):
        world.handle(body)
    world.crashes += 1  # the lease's end is a crash as far as anyone else can tell
    receipt = world.check(*people(6))
    assert receipt["rows"]["acknowledged"] == 6
    assert len(world.events) == 1
    assert world.queue == []


def test_a_zombie_whose_close_was_answered_does_not_finish_the_run_again(make_world: Make) -> None:
    """The last call may be the one during which the lease is lost."""
    world = make_world(handles=True)
    body = world.drop(table(people(3)))

    def taken_over() -> None:
        world.clock.pass_s(1000)
        world.restart()
        world.handle(body)

    world.platform.faults.append(Fault(call="close", act=taken_over))
    with pytest.raises(LeaseLost):
        world.handle(body)
    world.check(*people(3))
    assert len(world.events) == 1
    assert world.platform.resent == 0


@pytest.mark.parametrize("way", ["finish", "stop", "hand on"])
def test_a_zombie_that_ends_does_not_write_over_the_receipt(make_world: Make, way: str) -> None:
    """Whether it would finish, fail or go on, who lost the lease leaves the receipt of its successor alone."""
    world = make_world()
    body = world.drop(table(people(3)))
    status = {"finish": 0, "stop": 403, "hand on": 409}[way]

    def taken_over() -> None:
        world.clock.pass_s(1000)
        world.restart()
        world.handle(body)

    world.platform.faults.append(Fault(act=taken_over, status=status, headers={"retry-after": "50"}))
    with pytest.raises(LeaseLost):
        world.handle(body)
    assert world.receipt()["state"] == "applied"
    assert (len(world.events), world.queue, world.take_dead_letters()) == (1, [], [])


def test_a_message_that_is_the_last_one_left_is_not_let_go(make_world: Make) -> None:
    """When a continuation is overdue for an hour, the event takes its place."""
    world = make_world()
    world.budget_s = 80.25
    body = world.drop(table(people(6)))
    world.handle(body)
    world.queue.clear()  # the continuation is lost, as SQS may lose one that is too old
    world.run(body)
    assert world.platform.members.total() < 6
    world.clock.pass_s(3700)
    world.run(body)
    world.check(*people(6))
