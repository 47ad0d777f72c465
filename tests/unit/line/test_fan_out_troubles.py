"""A large file shared out among several workers, when they die, stop or wait for each other."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.errors import ActivationError
from activation.ledger.runs import RunState
from activation.model import Action

from tests.unit.line.effects import effects
from tests.unit.line.large_files import Make, mixed, parts_of
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.watched_aws import Crashed
from tests.unit.line.world import VISIBILITY_S, Message, people, table


@pytest.mark.parametrize(("kind", "after", "step"), [("raw", False, 2), ("raw", True, 3), ("hashed", False, 4)])
def test_a_crash_of_any_worker_at_any_effect_costs_at_most_one_batch(
    make_large: Make, kind: str, after: bool, step: int
) -> None:
    """Wherever the run's worker or a part's dies, the run ends complete, once, and repeats what was in flight."""
    good = people(8)
    rows = [row for one in good for row in (one, "")]
    text = table(map(hashed, good)) if kind == "hashed" else "email,note\n" + "".join(f"{row},x\n" for row in rows)
    for at in effects(1, 400, step=step):
        world = make_large(max_parts=2)
        body = world.drop(text, kind=kind)
        world.aws.fuse.set(at, after=after)
        world.run(body, most=600)
        where = world.aws.fuse.trace[-1:]
        receipt = world.check(*good)
        assert receipt["rows"]["in"] == (len(good) if kind == "hashed" else len(rows)), where
        assert receipt["parts"] == 2
        assert world.platform.created == 1
        assert {one["DetailType"] for one in world.events} == {"Activation Completed"}
        assert world.take_dead_letters() == []
        if not world.crashes:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")
    assert at > 60


@pytest.mark.parametrize("seed", range(8))
def test_many_crashes_repeated_messages_lost_answers_and_throttling(make_large: Make, seed: int) -> None:
    """Messages come twice and late, workers die, answers get lost: the sums are those of the file."""
    chance = random.Random(seed)
    world = make_large(in_flight=chance.choice([1, 3]), max_parts=chance.choice([2, 5]), handles=seed % 2 == 0)
    good = people(40)
    text, rows = mixed(good)
    world.platform.drops = {hashed(good[20])}
    for _ in range(3):
        world.platform.faults.append(Fault(skip=chance.randrange(12), lost=chance.choice(["before", "after"])))
    world.platform.faults.append(Fault(skip=5, status=429, headers={"retry-after": "20"}))
    crashes = [chance.randrange(20, 60) for _ in range(5)]

    def disturb(name: str, _: Mapping[str, Any]) -> None:
        if crashes and not world.aws.fuse.at and not world.aws.fuse.blown:
            world.aws.fuse.set(crashes.pop())
        if world.queue and chance.random() < 0.02:
            again = chance.choice(world.queue)
            world.queue.append(replace(again, due=world.clock() + chance.choice([0.0, 5.0, 5000.0]), receives=0))

    world.aws.before.append(disturb)
    body = world.drop(text)
    world.run(body, body, most=2000)
    world.redrive()
    world.run(most=2000)
    for failure in world.failures:
        assert isinstance(failure, LeaseHeld | LeaseLost | ActivationError), failure
    receipt = world.receipt()
    assert receipt["state"] == RunState.APPLIED
    assert receipt["rows"]["in"] == len(rows)
    world.check_sums(receipt)
    world.check_members(*(one for one in good if one != good[20]))
    assert receipt["rejected_by_platform"] in ({"row_refused": 1}, {"refused": 1})
    assert {one["DetailType"] for one in world.events} == {"Activation Completed"}


def test_a_part_that_is_stopped_stops_the_run_once_and_a_redrive_sends_what_is_left(make_large: Make) -> None:
    """The run ends blocked with the part's reason, in one dead letter; moved back, the parts go on from there."""
    world = make_large(max_parts=3)
    emails = people(40)
    world.platform.faults.append(Fault(skip=2, times=3, status=403))
    world.run(world.drop(table(emails)))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.BLOCKED, "terms")
    taken = receipt["rows"]["acknowledged"]
    assert 0 < taken < 40
    assert taken == world.platform.members.total()
    assert [one["DetailType"] for one in world.events] == ["Activation Blocked"]
    parts = len(parts_of(world))
    world.run(world.drop(table(people(2, start=90)), file="next.csv"))  # the turn was given up
    assert len(parts_of(world)) == parts == 3
    world.platform.faults.clear()
    world.events.clear()
    letters = world.take_dead_letters()
    assert len(letters) == 1
    world.run(*(one["Body"] for one in letters))
    world.check_members(*emails, *people(2, start=90))
    receipt = next(one for one in world.receipts() if one["drop"]["key"].endswith("people.csv"))
    world.check_sums(receipt)
    assert receipt["state"] == RunState.APPLIED
    assert receipt["rows"]["in"] == receipt["rows"]["acknowledged"] == 40
    assert world.platform.resent == 0
    assert [one["DetailType"] for one in world.events] == ["Activation Completed"]


def test_a_part_whose_worker_dies_again_and_again_ends_the_run(make_large: Make) -> None:
    """Nobody holds the audience for it for long; a redrive sends what is left."""
    world = make_large(max_parts=3)
    emails = people(40)

    def dies() -> None:
        raise Crashed

    world.platform.faults.append(Fault(skip=2, times=15, act=dies))
    ended: list[float] = []
    world.aws.after.append(lambda name, _: ended.append(world.clock()) if name == "put_events" else None)
    begun = world.clock()
    world.run(world.drop(table(emails)), most=1000)
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, "part_lost")
    assert ended[0] - begun < 1800
    assert 0 < receipt["rows"]["acknowledged"] < 40
    assert world.crashes == 15
    assert [one["DetailType"] for one in world.events] == ["Activation Failed"]
    world.redrive()
    world.run()
    assert world.check(*emails)["rows"]["in"] == 40


def test_a_part_whose_worker_died_is_sent_for_before_the_queue_gives_its_message_back(make_large: Make) -> None:
    """The run ends minutes later, not half an hour, and the late message finds nothing to do."""
    world = make_large(max_parts=3)
    ended: list[float] = []
    world.aws.after.append(lambda name, _: ended.append(world.clock()) if name == "put_events" else None)

    def dies() -> None:
        raise Crashed

    world.platform.faults.append(Fault(skip=5, act=dies))
    begun = world.clock()
    world.run(world.drop(table(people(40))))
    world.check(*people(40))
    assert ended[0] - begun < 3 * world.limits.timeout_s + 30 + 60 + 10
    assert world.clock() - begun > VISIBILITY_S
    assert len(ended) == 1


def test_a_part_whose_message_is_lost_is_sent_for_again(make_large: Make) -> None:
    """Nobody but the run can miss it: neither does it wait for its deadline, nor does it fail."""
    world = make_large(max_parts=3)
    lost: list[Message] = []

    def lose(name: str, call: Mapping[str, Any]) -> None:
        sending = name == "send_message" and world.platform.created and call["QueueUrl"] == world.queue_url
        if sending and json.loads(call["MessageBody"]).get("part") == 1 and len(lost) < 2:
            lost.append(world.queue.pop())

    world.aws.after.append(lose)
    begun = world.clock()
    world.run(world.drop(table(people(40))), most=1000)
    world.check(*people(40))
    assert len(lost) == 2
    assert world.clock() - begun < 2.1 * 3600


def test_a_run_that_stops_waits_for_the_parts_at_work(make_large: Make) -> None:
    """Another drop gets the audience only when no part of the stopped run sends any more."""
    world = make_large(max_parts=3)
    body = world.drop(table(people(40)))
    other = world.drop(table(people(3, start=200)), file="other.csv")
    seen: list[RunState | None] = []

    def deadline_passes() -> None:
        run = world.aws.dynamodb.items[world.run_of(body).pk]
        run["started_at"] = {"N": str(world.clock() - world.settings.deadline_s - 1)}
        (message,) = (one for one in world.queue if "part" not in json.loads(one.body))
        world.queue.remove(message)
        seen.extend([world.handle(message.body), world.handle(other)])

    world.platform.faults.append(Fault(act=deadline_passes))
    world.run(body)
    assert seen == [RunState.RUNNING, RunState.WAITING]
    first, second = sorted(world.receipts(), key=lambda one: one["rows"]["read"], reverse=True)
    assert (first["state"], first["reason"]["code"]) == (RunState.FAILED, "deadline")
    assert 0 < first["rows"]["acknowledged"] < 40
    assert second["state"] == RunState.APPLIED
    assert world.dead_codes() == ["deadline"]


def test_a_part_comes_to_rest_when_its_run_has_ended(make_large: Make) -> None:
    """A message of a part that comes days later, or of one that never was, does nothing."""
    world = make_large()
    body = world.drop(table(people(40)))
    world.run(body)
    messages = [one["Body"] for one in world.aws.sqs.messages[world.queue_url]]
    strays = [
        json.dumps(json.loads(one) | {"continuation": 99, "part": part}) for one in messages[:1] for part in (0, 7)
    ]
    world.clock.pass_s(90_000)
    calls = world.platform.calls.total()
    world.run(*messages, *strays)
    assert world.platform.calls.total() == calls
    world.check(*people(40))
    assert len(world.events) == 1


def test_a_newer_version_of_the_object_ends_the_run_as_it_ends_any_other(make_large: Make) -> None:
    """The parts do not go on with what is out of date."""
    world = make_large(actions=[Action.REPLACE])
    key = f"{world.name}/vip/raw/replace/people.csv"
    old = world.event(world.put(table(people(40)), key))
    world.run(world.event(world.put(table(people(40, start=50)), key)))
    world.run(old)
    world.check_members(*people(40, start=50))
    assert sorted(one["state"] for one in world.receipts()) == [RunState.APPLIED, RunState.SUPERSEDED]
