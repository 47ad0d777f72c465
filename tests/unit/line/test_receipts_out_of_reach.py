"""A receipts bucket that takes no receipt holds a run up, and loses neither the run nor its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from activation.ledger.runs import RunState

from tests.unit.line.aws_in_memory import refusal
from tests.unit.line.platform import Fault
from tests.unit.line.world import World, people, table

Make = Callable[..., World]
OUTAGE_S = 3 * 3600.0


def out_of_reach(world: World, code: str) -> list[bool]:
    """Let S3 answer so to every receipt for three hours, or until the list is emptied."""
    ends, while_there = world.clock() + OUTAGE_S, [True]

    def watch(name: str, call: Mapping[str, Any]) -> None:
        if while_there and name == "put_object" and call["Bucket"] == "receipts" and world.clock() < ends:
            raise refusal("PutObject", code)

    world.aws.before.append(watch)
    return while_there


def test_a_run_that_waits_does_without_its_interim_receipt(make_world: Make) -> None:
    """The wait uses up no receives, and its end is not delayed."""
    world = make_world()
    out_of_reach(world, "SlowDown")
    waits = Fault(skip=1, times=9, status=409, headers={"retry-after": "1800"})
    world.platform.faults.append(waits)
    world.run(world.drop(table(people(12))))
    assert world.check(*people(12))["state"] == RunState.APPLIED
    assert world.failures == []


def test_a_run_that_stops_meanwhile_stops_with_its_reason(make_world: Make) -> None:
    """It stops when the receipt can be written, for the reason it had."""
    world = make_world()
    begun = world.clock()
    out_of_reach(world, "SlowDown")
    world.run(world.drop("name of pet\nRex\n"))
    assert world.clock() - begun > OUTAGE_S
    assert world.receipt()["reason"]["code"] == "no_usable_column"
    assert (world.dead_codes(), world.wrong_codes()) == ([], ["no_usable_column"])
    assert world.failures == []


def test_where_receipts_are_denied_the_dead_letter_says_so(make_world: Make) -> None:
    """Somebody has to act; then the run goes on, and its receipt is written."""
    world = make_world()
    denied = out_of_reach(world, "AccessDenied")
    body = world.drop(table(people(5)))
    world.run(body)
    assert (world.run_of(body).state, world.run_of(body).code) == (RunState.BLOCKED, "aws_denied")
    (letter,) = world.take_dead_letters()
    assert letter["MessageAttributes"]["code"]["StringValue"] == "aws_denied"
    assert [one["DetailType"] for one in world.events] == ["Activation Blocked"]
    denied.clear()
    world.run(letter["Body"])
    world.check(*people(5))
    assert world.platform.resent == 0
