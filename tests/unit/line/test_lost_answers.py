"""Answers that are lost: the batch may or may not be there, and the platform may or may not be able to tell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.line.aws_in_memory import refusal
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


@pytest.mark.parametrize("lost", ["before", "after"])
@pytest.mark.parametrize("tells", [True, False])
def test_the_platform_is_asked_before_a_batch_is_repeated(make_world: Make, lost: str, tells: bool) -> None:
    """What it says it has is acknowledged, what it has not is sent, and where it cannot tell it is sent again."""
    world = make_world(can_ask=True)
    world.platform.tells = tells
    world.platform.faults.append(Fault(skip=1, lost=lost))
    world.run(world.drop(table(people(9))))
    receipt = world.check(*people(9))
    assert world.platform.calls["arrived"] == 1
    assert world.platform.resent == (0 if tells or lost == "before" else 1)
    assert receipt["resent"] == (0 if tells else 1)


@pytest.mark.parametrize("lost", ["before", "after"])
def test_where_nobody_can_be_asked_a_lost_answer_costs_one_repetition(make_world: Make, lost: str) -> None:
    """The batch is sent again, once, and counted as repeated whether it had arrived or not."""
    world = make_world()
    world.platform.faults.append(Fault(skip=1, lost=lost))
    world.run(world.drop(table(people(9))))
    assert world.check(*people(9))["resent"] == 1
    assert world.platform.resent == (1 if lost == "after" else 0)


def test_a_throttle_between_is_no_second_repetition(make_world: Make) -> None:
    """Of a lost answer, a throttled repetition and one that is taken, one counts as repeated."""
    world = make_world()
    world.platform.faults += [Fault(lost="after"), Fault(status=429, times=2)]
    world.run(world.drop(table(people(3))))
    assert world.check(*people(3))["resent"] == 1


@pytest.mark.parametrize("can_ask", [True, False])
def test_the_doubt_about_a_batch_outlives_the_invocation(make_world: Make, can_ask: bool) -> None:
    """A batch without an answer when the run has to wait is asked about, or counted, when the run goes on."""
    world = make_world(can_ask=can_ask)
    world.platform.faults += [
        Fault(lost="after"),
        Fault(call="arrived", status=429, headers={"retry-after": "60"}),
    ]
    if not can_ask:
        world.platform.faults.append(Fault(status=429, headers={"retry-after": "60"}))
    world.run(world.drop(table(people(6))))
    receipt = world.check(*people(6))
    assert world.handled == 2
    assert receipt["resent"] == world.platform.resent == (0 if can_ask else 1)


def test_the_doubt_a_crash_leaves_outlives_a_wait(make_world: Make) -> None:
    """A worker that takes over a dead one's run but has to wait at once leaves its suspicion to the next."""
    world = make_world(can_ask=True)

    def die() -> None:
        world.aws.fuse.set(1, after=True)

    def throttled() -> None:
        world.platform.faults.append(Fault(call="arrived", status=429, headers={"retry-after": "90"}))

    world.platform.faults.append(Fault(skip=1, act=die))
    world.platform.faults.append(Fault(call="arrived", act=throttled, status=429, headers={"retry-after": "90"}))
    world.run(world.drop(table(people(9))))
    receipt = world.check(*people(9))
    assert world.crashes == 1
    assert world.platform.calls["arrived"] == 3
    assert receipt["resent"] == world.platform.resent == 0


def test_the_doubt_a_crash_leaves_outlives_a_wait_before_anything_is_sent(make_world: Make) -> None:
    """A worker that takes over a dead one's run and cannot read the secret leaves its suspicion to the next."""
    world = make_world(can_ask=True)
    outages: list[str] = []

    def die() -> None:
        world.aws.fuse.set(1, after=True)
        outages.append("InternalServiceError")

    def fail(name: str, _: object) -> None:
        if outages and name == "get_secret_value":
            raise refusal(name, outages.pop())

    world.aws.before.append(fail)
    world.platform.faults.append(Fault(skip=1, act=die))
    world.run(world.drop(table(people(9))))
    receipt = world.check(*people(9))
    assert (world.crashes, outages) == (1, [])
    assert world.platform.calls["arrived"] == 1
    assert receipt["resent"] == world.platform.resent == 0


def test_a_question_that_gets_no_answer_is_asked_again(make_world: Make) -> None:
    """A lost answer to the question repeats the question, not the batch."""
    world = make_world(can_ask=True)
    world.platform.faults += [Fault(lost="after"), Fault(call="arrived", times=2, lost="before")]
    world.run(world.drop(table(people(3))))
    world.check(*people(3))
    assert world.platform.calls["arrived"] == 3
    assert world.platform.resent == 0


def test_what_a_batch_was_refused_before_its_answer_was_lost_is_counted(make_world: Make) -> None:
    """The answer to the question brings the count; which rows they were is no longer known."""
    world = make_world(can_ask=True)
    emails = people(3)
    world.platform.drops = {hashed(emails[1])}
    world.platform.faults.append(Fault(lost="after"))
    world.run(world.drop(table(emails)))
    receipt = world.check(emails[0], emails[2])
    assert receipt["rejected_by_platform"] == {"refused": 1}
    assert world.rejects() == [("", "", "refused_row_not_named")]


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_lost_creation_makes_one_audience(make_world: Make, lost: str) -> None:
    """What does harm when repeated is looked for first, and created again only by another invocation."""
    world = make_world()
    world.platform.faults.append(Fault(call="create", lost=lost))
    world.run(world.drop(table(people(3))))
    world.check(*people(3))
    assert world.platform.created == 1


def test_a_batch_that_was_taken_but_not_recorded_is_asked_about(make_world: Make) -> None:
    """When the rejects cannot be written, the batch is in doubt: it is asked about before it is repeated."""
    world = make_world(can_ask=True)
    emails = people(6)
    world.platform.drops = {hashed(emails[4])}
    failing = [True]

    def fail(name: str, arguments: object) -> None:
        from tests.unit.line.aws_in_memory import refusal

        if name == "put_object" and ".rejects/" in str(arguments) and failing:
            failing.pop()
            raise refusal("PutObject", "SlowDown")

    world.aws.before.append(fail)
    world.run(world.drop(table(emails)))
    world.check(*(one for one in emails if one != emails[4]))
    assert world.platform.resent == 0
    assert world.handled == 2


@pytest.mark.parametrize("at", range(4))
def test_several_in_flight_and_an_early_one_lost(make_world: Make, at: int) -> None:
    """Later batches are acknowledged ahead of the cursor, and only the lost one is sent again."""
    world = make_world(in_flight=4)
    world.platform.faults += [
        Fault(skip=at, lost="after"),
        Fault(skip=4, times=1, status=409, headers={"retry-after": "99"}),
    ]
    world.run(world.drop(table(people(24))))
    receipt = world.check(*people(24))
    assert receipt["resent"] == world.platform.resent == 1
