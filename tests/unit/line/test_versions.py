"""Two versions of one object, in every order: what the audience holds afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from activation.model import Action
from activation.report.receipts import SCHEMA

from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import World, people, table

Make = Callable[..., World]
EARLIER = people(6, start=900)  # whom the audience holds before, and every file of this page removes in part
OLD, NEW = [*people(6), *EARLIER[:2]], [*people(6, start=50), *EARLIER[2:4]]


class Pair:
    """A world with an audience, and the events of two versions of one object: `old` and `new`."""

    def __init__(self, make_world: Make, action: Action) -> None:
        self.world = make_world(handles=True, actions=Action)
        self.world.platform.held = {(hashed(one),) for one in EARLIER}
        key = f"{self.world.name}/vip/raw/{action}/people.csv"
        self.old, self.new = (self.world.event(self.world.put(table(some), key)) for some in (OLD, NEW))

    def dies(self, body: str) -> None:
        """Have the worker of a version die after its second request; its message returns."""
        self.world.platform.faults.append(Fault(skip=1, times=1, act=self._die))
        self.world.send(body)
        message = self.world.queue[-1]
        self.world.clock.pass_s(0.1)
        with pytest.raises(_Died):
            self.world.handle(body)
        self.world.restart()
        message.due = self.world.clock() + 1800

    def fails(self, body: str) -> None:
        """Have a version refused at its second request, and its message moved to the dead letters."""
        self.world.platform.faults.append(Fault(skip=1, status=403))
        self.world.run(body)
        assert self.world.run_of(body).state == "blocked"

    @staticmethod
    def _die() -> None:
        raise _Died


class _Died(BaseException):
    """The process is gone."""


def in_order(pair: Pair) -> None:
    """Send the older version first."""
    pair.world.run(pair.old)
    pair.world.run(pair.new)


def out_of_order(pair: Pair) -> None:
    """Send the newer version first."""
    pair.world.run(pair.new)
    pair.world.run(pair.old)


def at_once(pair: Pair) -> None:
    """Send the newer version while the older one is being sent, for which it waits."""
    pair.world.budget_s = 80.25
    assert pair.world.handle(pair.old) == "running"
    pair.world.budget_s = 300.0
    pair.world.run(pair.new)


def older_is_late(pair: Pair) -> None:
    """Send the older version while the newer one is being sent, for which it waits."""
    pair.world.budget_s = 80.25
    assert pair.world.handle(pair.new) == "running"
    pair.world.budget_s = 300.0
    pair.world.run(pair.old)


def older_is_killed(pair: Pair) -> None:
    """Kill the older version's worker midway, and send the newer one before its message returns."""
    pair.dies(pair.old)
    pair.world.clock.pass_s(3601)  # when its audience lock is free again
    (message,) = pair.world.queue
    pair.world.queue.clear()
    pair.world.run(pair.new)
    pair.world.run(message.body)


def newer_is_killed(pair: Pair) -> None:
    """Kill the newer version's worker midway, and send the older one before its message returns."""
    pair.dies(pair.new)
    pair.world.run(pair.old)


def older_is_redriven(pair: Pair) -> None:
    """Have the older version fail midway, and redrive it after the newer one has landed."""
    pair.fails(pair.old)
    pair.world.run(pair.new)
    pair.world.redrive()
    pair.world.run()


def newer_is_redriven(pair: Pair) -> None:
    """Have the newer version fail midway, and redrive it after the older one came."""
    pair.fails(pair.new)
    pair.world.run(pair.old)
    pair.world.redrive()
    pair.world.run()


IN_ORDER = (in_order, at_once)  # in which the older version lands before the newer one
PAIRS = (
    *IN_ORDER,
    out_of_order,
    older_is_late,
    older_is_killed,
    newer_is_killed,
    older_is_redriven,
    newer_is_redriven,
)
HOLDS = {
    Action.ADD: {*EARLIER, *OLD, *NEW},
    Action.REMOVE: {*EARLIER} - {*OLD, *NEW},
    Action.REPLACE: {*NEW},
}


@pytest.mark.parametrize("action", HOLDS)
@pytest.mark.parametrize("happens", PAIRS)
def test_two_versions_end_alike_in_every_order(
    make_world: Make, happens: Callable[[Pair], None], action: Action
) -> None:
    """Both are applied where they add or remove; where they replace, the audience is the newer one."""
    pair = Pair(make_world, action)
    happens(pair)
    assert pair.world.platform.held == {(hashed(one),) for one in HOLDS[action]}
    states = [pair.world.run_of(body).state for body in (pair.old, pair.new)]
    superseded = action is Action.REPLACE and happens not in IN_ORDER
    assert states == ["superseded" if superseded else "applied", "applied"]
    assert pair.world.dead_codes() == []


def test_a_superseded_version_says_so(make_world: Make) -> None:
    """Its receipt and its own event say how many rows are not sent, and its event is no success."""
    pair = Pair(make_world, Action.REPLACE)
    out_of_order(pair)
    (receipt,) = (one for one in pair.world.receipts() if one["state"] == "superseded")
    why = "a newer version of this object was sent before this one; it holds 8 rows"
    assert (receipt["reason"]["sentence"], receipt["rows_held"], receipt["schema"]) == (why, 8, SCHEMA)
    assert receipt["rows"]["acknowledged"] == 0
    (told,) = (one for one in pair.world.events if one["DetailType"] == "Activation Superseded")
    assert (told["Detail"]["state"], told["Detail"]["rows_held"]) == ("superseded", 8)
    landed = [one for one in pair.world.receipts() if one["state"] == "applied"]
    assert not any("rows_held" in one for one in landed)


@pytest.mark.parametrize(
    ("budget_s", "text", "says"),
    [
        (80.0, table(OLD), "; it holds at least 8 rows"),
        (300.0, "", ""),
        (300.0, table(OLD[:1]), "; it holds 1 row"),
    ],
)
def test_a_superseded_version_is_counted_as_far_as_it_can_be(
    make_world: Make, budget_s: float, text: str, says: str
) -> None:
    """What a file is too long or too broken to say is not said."""
    world = make_world(handles=True, actions=Action)
    key = f"{world.name}/vip/raw/replace/people.csv"
    old, new = (world.event(world.put(some, key)) for some in (text, table(NEW)))
    world.run(new)
    world.budget_s = budget_s
    world.run(old)
    assert world.run_of(old).state == "superseded"
    assert (
        world.run_of(old).sentence.removeprefix("a newer version of this object was sent before this one") == says
    )


def test_a_superseded_version_can_be_forced(make_world: Make) -> None:
    """What `replay --force` sends has no place in the order of versions, and lands."""
    pair = Pair(make_world, Action.REPLACE)
    out_of_order(pair)
    event: dict[str, Any] = json.loads(pair.old) | {"again": "now"}
    del event["detail"]["object"]["sequencer"]
    pair.world.run(json.dumps(event))
    assert pair.world.platform.held == {(hashed(one),) for one in OLD}


def test_a_superseded_run_wakes_the_next_one_before_it_counts_its_rows(make_world: Make) -> None:
    """A large file that is not sent keeps nobody waiting."""
    pair = Pair(make_world, Action.REPLACE)
    world = pair.world
    world.run(pair.new)
    read: list[bool] = []

    def watch(name: str, _: Any) -> None:
        if name == "get_object":
            (lock,) = (item for key, item in world.aws.dynamodb.items.items() if key.endswith("#audience#vip"))
            read.append(float(lock["lease_until"]["N"]) > world.clock())

    world.aws.before.append(watch)
    world.run(pair.old)
    assert read
    assert not any(read)


def test_two_versions_in_two_accounts_do_not_overtake_each_other(make_world: Make) -> None:
    """A version that went to one ad account says nothing of what another is still to get."""
    world = make_world(handles=True, actions=Action)
    key = f"{world.name}/vip/raw/replace/people.csv"
    old, new = (world.put(table(some), key) for some in (OLD, NEW))
    world.run(world.event(new, ad_account="999"))
    world.run(world.event(old))
    assert sorted(one["state"] for one in world.receipts()) == ["applied", "applied"]
