"""Who releases an audience's lock wakes the run that has waited longest for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from activation.aws.table import ConditionalTable
from activation.errors import Retryable
from activation.ledger.audience_lock import AudienceLocked, AudienceLocks
from activation.ledger.keys import audience_key
from activation.ledger.runs import RunState
from activation.ledger.waiting_list import MOST_WAITERS, RESERVED_S, Waiter, WakeUp

from tests.unit.line.aws_in_memory import refusal
from tests.unit.line.effects import effects
from tests.unit.line.platform import Fault
from tests.unit.line.table_in_memory import Repeating
from tests.unit.line.watched_aws import START_S, Aws, Clock
from tests.unit.line.world import NAMES, World, people, table

Make = Callable[..., World]


class Bench:
    """The locks of audiences with a clock, and one audience's lock."""

    def __init__(self, client: Any) -> None:
        self.clock = Clock()
        self.locks = AudienceLocks(ConditionalTable(client, "ledger"), lock_s=100, clock=self.clock)
        self.key = audience_key("tiny", "1", f"été{next(NAMES)}")

    def join(self, run_id: str, since: float, continuation: int = 1) -> bool:
        """Have a run wait whose message is its id and its number."""
        waiter = Waiter(f"{self.key}{run_id}", since, continuation, "queue", f"{run_id}{continuation}")
        return self.locks.join(self.key, waiter)

    def acquire(self, run_id: str) -> None:
        """Have a run acquire the lock."""
        self.locks.acquire(self.key, f"{self.key}{run_id}")

    def release(self, run_id: str) -> str:
        """Release the lock, and return the message that was to be sent."""
        found = self.locks.release(self.key, f"{self.key}{run_id}")
        assert found in (None, WakeUp("queue", found.message if found else ""))
        return found.message if found else ""


@pytest.fixture
def bench(aws: Aws) -> Bench:
    """Return locks on fresh tables."""
    return Bench(aws.dynamodb)


def test_the_lock_is_handed_over_in_the_order_of_arrival(bench: Bench) -> None:
    """The run that began to wait first comes first, whatever the order in which the list heard of them."""
    bench.acquire("holder")
    assert all(bench.join(f"run{since}-", since) for since in (3, 1, 2))
    woken, holder = [], "holder"
    while message := bench.release(holder):
        holder = message[:-1]
        woken.append(holder)
        bench.acquire(holder)
    assert woken == ["run1-", "run2-", "run3-"]
    bench.acquire("anyone")


def test_a_lock_that_was_handed_over_is_nobody_elses(bench: Bench) -> None:
    """A run that comes between the release and the waiter's message is locked out, but not for long."""
    bench.acquire("one")
    bench.join("two", START_S)
    assert bench.release("one") == "two1"
    with pytest.raises(AudienceLocked):
        bench.acquire("late")
    bench.clock.pass_s(RESERVED_S + 0.01)
    bench.acquire("late")


def test_a_waiter_without_a_holder_is_told_to_try(bench: Bench) -> None:
    """Nobody would wake it when the lock is free, has expired or is reserved for it already."""
    assert not bench.join("two", START_S)
    bench.acquire("one")
    assert bench.join("two", START_S)
    assert bench.release("one") == "two1"
    assert not bench.join("two", START_S, continuation=2)
    bench.clock.pass_s(RESERVED_S + 0.01)
    assert not bench.join("three", START_S)


def test_a_waiter_keeps_its_place_and_its_newest_message(bench: Bench) -> None:
    """It is listed once, and a worker that is late cannot put an older message in the place of a newer one."""
    bench.acquire("one")
    bench.join("two", START_S)
    bench.join("three", START_S + 1)
    bench.join("two", START_S, continuation=5)
    bench.join("two", START_S, continuation=4)
    assert bench.release("one") == "two5"
    assert bench.release("two") == "three1"
    assert bench.release("three") == ""


def test_a_run_that_ends_while_it_waits_is_not_woken(bench: Bench) -> None:
    """It leaves the list, and the lock stays its holder's."""
    bench.acquire("one")
    bench.join("two", START_S)
    bench.join("three", START_S + 1)
    assert bench.release("two") == ""
    assert bench.release("one") == "three1"


def test_a_release_wakes_nobody_twice(bench: Bench) -> None:
    """A second release of the same run hands over what is no longer its own to nobody."""
    bench.acquire("one")
    bench.join("two", START_S)
    bench.join("three", START_S + 1)
    assert (bench.release("one"), bench.release("one")) == ("two1", "")


def test_a_release_whose_answer_was_lost_wakes_all_the_same(aws: Aws) -> None:
    """The SDK's repetition finds the lock handed over, which is what it wanted."""
    bench = Bench(aws.dynamodb)
    bench.acquire("one")
    bench.join("two", START_S)
    twice: Any = Repeating(aws.dynamodb)
    twice.get_item = aws.dynamodb.get_item
    locks = AudienceLocks(ConditionalTable(twice, "ledger"), clock=bench.clock)
    assert locks.release(bench.key, f"{bench.key}one") == WakeUp("queue", "two1")


def test_a_waiter_that_joins_during_the_release_is_woken(aws: Aws) -> None:
    """The release that has read the list without it finds the record changed, and reads it again."""
    bench = Bench(aws.dynamodb)
    bench.acquire("one")
    left = [True]

    def join(name: str, call: Any) -> None:
        if name == "update_item" and left and call["ConditionExpression"].startswith("lease_token = "):
            left.clear()
            assert bench.join("two", START_S)

    aws.before.append(join)
    assert bench.release("one") == "two1"
    assert left == []


def test_a_lock_that_cannot_be_handed_over_is_not_kept() -> None:
    """When others join faster than the record can be written, the release fails, and its message returns."""
    aws = Aws.in_memory()
    bench = Bench(aws.dynamodb)
    bench.acquire("one")
    runs = iter(range(1_000))

    def join(name: str, call: Any) -> None:
        if name == "update_item" and call["ConditionExpression"].startswith("lease_token = "):
            assert bench.join(f"w{next(runs)}-", START_S)

    aws.before.append(join)
    with pytest.raises(Retryable, match="ledger_busy"):
        bench.release("one")
    aws.before.clear()
    assert bench.release("one").startswith("w")


def test_a_full_list_makes_a_run_wait_for_its_own_message() -> None:
    """The lock's record does not grow without bound, and those that are listed keep their places."""
    bench = Bench(Aws.in_memory().dynamodb)
    bench.acquire("one")
    for number in range(MOST_WAITERS + 5):
        assert bench.join(f"w{number:03d}-", START_S + number)
    holder = "one"
    woken = []
    while message := bench.release(holder):
        holder = message[:-1]
        woken.append(holder)
    assert woken == [f"w{number:03d}-" for number in range(MOST_WAITERS)]


def hold(world: World) -> None:
    """Begin a drop whose invocation has no time for all of it, so that its run holds the audience."""
    world.budget_s = 80.35
    assert world.handle(world.drop(table(people(12)), file="first.csv")) is RunState.RUNNING
    world.budget_s = 300.0


def arrive(world: World, count: int) -> list[str]:
    """Have drops of three people each for one audience come one after the other; return their messages."""
    bodies = []
    for number in range(1, count + 1):
        world.clock.pass_s(0.01)
        bodies.append(world.drop(table(people(3, start=100 * number)), file=f"{number}.csv"))
        assert world.handle(bodies[-1]) is RunState.WAITING
    return bodies


def test_forty_files_for_one_audience_do_not_wait_for_a_poll(make_world: Make) -> None:
    """They are sent one after the other, as they came, before any of them had to ask again."""
    world = make_world()
    hold(world)
    bodies = arrive(world, 40)
    world.run()
    ends = [world.run_of(body).updated_at for body in bodies]
    assert ends == sorted(ends)
    assert ends[-1] - START_S < 20
    world.check_members(*people(12), *(one for n in range(1, 41) for one in people(3, start=100 * n)))
    assert world.dead_codes() == []


def test_another_audience_does_not_wait_for_a_crowded_one(make_world: Make) -> None:
    """Forty runs that wait for one audience do not keep another one from being sent to."""
    world = make_world()
    hold(world)
    arrive(world, 40)
    assert world.handle(world.drop(table(people(3)), audience="other")) is RunState.APPLIED


def test_a_crowd_asks_rarely(make_world: Make) -> None:
    """The further back a run is, the later it asks by itself, so that waiting runs leave the workers to others."""
    world = make_world()
    hold(world)
    first = len(world.delays)
    arrive(world, 80)
    assert (world.delays[first], world.delays[first + 10], world.delays[-1]) == (20, 50, 300)


@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.faults)])
def test_a_crash_anywhere_loses_no_waiter(make_world: Make, after: bool) -> None:
    """Wherever a process dies, each of three drops for one audience is sent whole, and at most one batch twice."""
    for at in effects(1, 141):
        world = make_world()
        hold(world)
        two, three = (
            world.drop(table(people(3, start=20)), file="2.csv"),
            world.drop(table(people(3, start=30)), file="3.csv"),
        )
        world.aws.fuse.set(at, after=after)
        world.run(two, three)
        where = world.aws.fuse.trace[-1:]
        assert [one["state"] for one in world.receipts()] == ["applied"] * 3, where
        world.check_members(*people(12), *people(3, start=20), *people(3, start=30))
        assert world.take_dead_letters() == []
        locks = [item for key, item in world.aws.dynamodb.items.items() if "#audience#" in key]
        assert all(float(lock["lease_until"]["N"]) == 0 for lock in locks), where
        if not world.crashes:
            break
    else:
        pytest.fail("the sweep did not reach the end of the runs")
    assert at > 40


def test_a_lost_wake_up_costs_a_poll(make_world: Make) -> None:
    """The lock is reserved for the waiter, which finds it when its own message comes."""
    world = make_world()
    hold(world)
    body = world.drop(table(people(3, start=20)), file="2.csv")
    assert world.handle(body) is RunState.WAITING
    lost = []

    def lose(name: str, call: Any) -> None:
        if name == "send_message" and call["DelaySeconds"] == 0:
            lost.append(call)
            raise refusal("SendMessage", "AccessDenied")

    world.aws.before.append(lose)
    world.run()
    assert len(lost) == 1
    assert world.run_of(body).state is RunState.APPLIED
    assert world.run_of(body).updated_at - START_S < 25


def test_a_wake_up_that_comes_twice_sends_nothing_twice(make_world: Make) -> None:
    """Its number is that of the run's own next message, so all but the first of them find the run continued."""
    world = make_world()
    hold(world)
    body = world.drop(table(people(3, start=20)), file="2.csv")
    assert world.handle(body) is RunState.WAITING
    world.aws.after.append(
        lambda name, call: (
            world.send(call["MessageBody"]) if name == "send_message" and not call["DelaySeconds"] else None
        )
    )
    world.run()
    world.check_members(*people(12), *people(3, start=20))
    assert world.platform.resent == 0
    assert [one["DetailType"] for one in world.events] == ["Activation Completed"] * 2


def test_a_stopped_run_that_could_not_release_its_lock_does_so_later(make_world: Make) -> None:
    """Its message returns and frees the lock, without resuming the run, and the next run is woken."""
    world = make_world()
    world.platform.faults.append(Fault(skip=1, status=403))
    left = [True]

    def refuse(name: str, call: Any) -> None:
        if name == "update_item" and left and call["ConditionExpression"].startswith("lease_token = :token"):
            left.clear()
            raise refusal("UpdateItem", "ThrottlingException")

    world.aws.before.append(refuse)
    stopped, other = world.drop(table(people(6))), world.drop(table(people(3, start=20)), file="2.csv")
    begun = world.clock()
    world.run(stopped, other)
    assert world.run_of(stopped).state is RunState.BLOCKED
    assert world.run_of(other).state is RunState.APPLIED
    assert world.clock() - begun < 3600, "which is how long the lock of a run that died lasts"
    assert [one["DetailType"] for one in world.events] == ["Activation Blocked", "Activation Completed"]


def test_a_run_of_another_connector_is_woken_in_its_own_queue() -> None:
    """The audience is the ad account's, so whoever waits first is woken, whatever queue its messages are in."""
    aws = Aws.in_memory()
    other = World(aws)
    watch = list(aws.after)
    one = World(aws)
    aws.after += watch
    secret = json.dumps({"token": "good", "account": one.name})
    other.aws.secrets.put_secret_value(SecretId=other.secret, SecretString=secret)
    other.platform.audiences = one.platform.audiences
    hold(one)
    other.clock.pass_s(one.clock() - other.clock())
    body = other.drop(table(people(3, start=20)))
    assert other.handle(body) is RunState.WAITING
    polls = len(other.queue)
    one.run()
    assert len(other.queue) == polls + 1
    assert other.queue[-1].due == other.clock()
