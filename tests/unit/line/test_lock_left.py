"""A run that has ended stays so, also when its audience's lock cannot be released."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from activation.errors import Retryable
from activation.ledger.runs import RunState

from tests.unit.line.aws_in_memory import refusal
from tests.unit.line.platform import Fault
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


def lose_release(world: World) -> None:
    """Let DynamoDB refuse an audience's first release as too busy, and each that is made with other writes."""
    left = [True]

    def releases(call: Mapping[str, Any]) -> bool:
        of_lock = "#audience#" in call["Key"]["pk"]["S"]
        return of_lock and call["ConditionExpression"].startswith("lease_token = :token")

    def watch(name: str, call: Mapping[str, Any]) -> None:
        writes = [said for one in call.get("TransactItems", []) for said in one.values()]
        if left and any(map(releases, writes)):
            raise refusal("TransactWriteItems", "TransactionConflictException")
        if left and name == "update_item" and releases(call):
            left.clear()
            raise refusal("UpdateItem", "ThrottlingException")

    world.aws.before.append(watch)


def is_locked(world: World) -> bool:
    """Return whether the audience's lock is held."""
    (lock,) = (item for key, item in world.aws.dynamodb.items.items() if "#audience#" in key)
    return float(lock["lease_until"]["N"]) > world.clock()


def test_a_finished_run_is_not_closed_again(make_world: Make) -> None:
    """It ends once, and its message, which returns, releases the lock."""
    world = make_world(handles=True)
    lose_release(world)
    body = world.drop(table(people(4)))
    with pytest.raises(Retryable):
        world.handle(body)
    assert (world.run_of(body).state, is_locked(world)) == (RunState.APPLIED, True)
    assert world.queue == []
    world.run(body)
    assert (world.run_of(body).state, is_locked(world)) == (RunState.APPLIED, False)
    assert world.platform.calls["close"] == 1
    assert [one["DetailType"] for one in world.events] == ["Activation Completed"]


def test_a_stopped_run_stays_stopped_until_its_redrive(make_world: Make) -> None:
    """Nothing is sent for it before, and the redrive takes the lock that it left."""
    world = make_world()
    lose_release(world)
    world.platform.faults.append(Fault(skip=1, status=403))
    body = world.drop(table(people(6)))
    world.run(body)
    assert world.run_of(body).state is RunState.BLOCKED
    assert [one["DetailType"] for one in world.events] == ["Activation Blocked"]
    world.redrive()
    world.run()
    world.check(*people(6))
    assert not is_locked(world)


def test_a_message_of_a_part_that_is_done_leaves_the_lock(make_world: Make) -> None:
    """Only the run's own end releases it."""
    world = make_world()
    world.settings = replace(world.settings, split_above_bytes=200, max_parts=3)
    world.restart()
    body = world.drop(table(people(30)))
    world.send(body)
    while not (done := [key for key, item in world.aws.dynamodb.items.items() if is_applied_part(key, item)]):
        message = min(world.queue, key=lambda one: one.due)
        world.clock.pass_s(max(0.0, message.due - world.clock()))
        world.handle(message.body)
        world.queue.remove(message)
    part = int(done[0].rsplit("#", 1)[1])
    sent = (json.loads(one["Body"]) for one in world.aws.sqs.messages[world.queue_url])
    (again,) = (one for one in sent if one.get("part") == part and one["continuation"] == 2)
    assert world.handle(json.dumps(again)) is None
    assert is_locked(world)
    world.run()
    world.check(*people(30))


def is_applied_part(key: str, item: Mapping[str, Any]) -> bool:
    """Return whether a record is that of a part that has sent all its rows."""
    return "#part#" in key and item["state"]["S"] == RunState.APPLIED
