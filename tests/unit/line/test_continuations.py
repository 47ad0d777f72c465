"""Runs of more than one invocation: time that ends, waits and turns."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import pytest
from activation.aws.lease import LeaseHeld

from tests.unit.line.platform import Fault, hashed
from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("in_flight", [1, 3])
def test_a_run_that_runs_out_of_time_goes_on_by_messages_to_itself(
    make_world: Make, pack: Callable[[bytes], bytes], in_flight: int
) -> None:
    """Each invocation stops well before its end and the next one goes on behind it; nothing is sent twice."""
    world = make_world(in_flight=in_flight)
    emails = people(40)
    world.budget_s = 80.45  # the timeout of a call, the margin, and time for a few calls of 0.1 s
    body = world.event(world.put(pack(table(emails).encode()), f"{world.name}/vip/raw/people.csv"))
    world.run(body)
    receipt = world.check(*emails)
    assert world.platform.resent == receipt["resent"] == 0
    assert world.handled >= 3
    assert receipt["continuations"] == world.handled - 1
    assert set(world.delays) == {1}
    assert world.platform.calls["find"] == 1


def test_no_call_begins_that_may_not_end_in_time(make_world: Make) -> None:
    """A call is retried only while there is time for another one of its full timeout."""
    world = make_world()
    late: list[float] = []
    world.budget_s = 100

    def slow() -> None:
        world.clock.pass_s(59)

    world.platform.faults.append(Fault(call="users", times=4, act=slow, lost="before"))
    ends: list[float] = []
    world.aws.before.append(lambda name, named: ends.append(world.clock() + 100) if "Range" in named else None)
    world.platform.guard = lambda name: late.append(ends[-1] - world.clock()) if name == "users begins" else None
    world.run(world.drop(table(people(3))))
    world.check(*people(3))
    assert min(late) >= 60 + 19
    assert world.handled == 5


def test_an_interim_receipt_says_how_far_the_run_is(make_world: Make) -> None:
    """It claims no rows in, and is no final one."""
    world = make_world()
    world.budget_s = 80.25
    world.handle(world.drop(table(people(9))))
    receipt = world.receipt()
    assert (receipt["state"], receipt["final"], receipt["rows"]["in"]) == ("running", False, None)
    assert receipt["rows"]["acknowledged"] == receipt["rows"]["read"] == world.platform.members.total() > 0
    assert world.events == []


def test_a_run_without_progress_ends_after_some_invocations(make_world: Make) -> None:
    """An endless continuation is stopped by the run's own cap, and the message kept for a redrive."""
    world = make_world()
    world.budget_s = 79
    world.run(world.drop(table(people(3))))
    assert world.receipt()["reason"]["code"] == "no_progress"
    assert world.handled == 21
    world.budget_s = 300
    world.redrive()
    world.run()
    world.check(*people(3))


def test_a_wait_longer_than_a_message_can_be_delayed_is_several_messages(make_world: Make) -> None:
    """The platform is not asked before its time, and the early messages cost no progress."""
    world = make_world()
    world.platform.faults.append(Fault(status=409, headers={"retry-after": "3600"}))
    begun = world.clock()
    body = world.drop(table(people(3)))
    world.run(body)
    world.check(*people(3))
    assert world.clock() - begun >= 3600
    assert world.delays == [900, 900, 900, 900]
    assert world.run_of(body).no_progress == 0


def test_an_absurd_retry_after_is_an_hour(make_world: Make) -> None:
    """A wait of thirty years is asked about again after an hour."""
    world = make_world()
    world.platform.faults.append(Fault(status=429, headers={"retry-after": "1e9"}))
    begun = world.clock()
    world.run(world.drop(table(people(3))))
    world.check(*people(3))
    assert 3600 <= world.clock() - begun < 4600


def test_the_deadline_ends_a_wait(make_world: Make) -> None:
    """A platform that is busy for longer than the connector may wait fails the run with both reasons."""
    world = make_world(deadline_s=7200)
    world.platform.faults.append(Fault(times=10**6, status=409, headers={"retry-after": "1800"}))
    world.run(world.drop(table(people(3))))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "deadline")
    assert receipt["seconds"] <= 7200 + 1800
    assert world.dead_codes() == ["deadline"]


@pytest.mark.parametrize("lost", ["unreached", "before"])
def test_an_outage_is_waited_out_with_growing_pauses(make_world: Make, lost: str) -> None:
    """The run backs off and, when the platform is back, finishes without a dead letter."""
    world = make_world()
    world.platform.faults.append(Fault(skip=1, times=60, lost=lost))
    world.run(world.drop(table(people(9))))
    world.check(*people(9))
    assert world.dead_codes() == []
    assert world.delays == sorted(world.delays)
    assert len(world.delays) >= 8


def test_an_endless_outage_ends_in_the_dead_letters_and_a_redrive_goes_on(make_world: Make) -> None:
    """After the budget of waits the run fails with the platform's code; nothing acknowledged is sent again."""
    world = make_world()
    outage = Fault(skip=1, times=10**6, status=503)
    world.platform.faults.append(outage)
    world.run(world.drop(table(people(9))))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "unavailable")
    assert receipt["rows"]["acknowledged"] == 3
    outage.times = 0
    world.redrive()
    world.run()
    world.check(*people(9))
    assert world.platform.resent == 0
    assert [one["DetailType"] for one in world.events] == ["Activation Failed", "Activation Completed"]


def test_a_platform_that_works_on_is_asked_until_it_is_done(make_world: Make) -> None:
    """An accepted upload has a receipt with the rows at once, is followed, and ends as applied."""
    world = make_world(handles=True)
    world.platform.close_says, world.platform.follow_says = ["working"], ["working", "working"]
    body = world.drop(table(people(4)))
    world.handle(body)
    receipt = world.receipt()
    assert (receipt["state"], receipt["final"], receipt["rows"]["in"]) == ("accepted", False, 4)
    assert receipt["platform_notes"] == {"closed": "yes"}
    world.run()
    receipt = world.check(*people(4))
    assert receipt["platform_notes"] == {"matched": "all"}
    assert world.platform.calls["close"] == 1
    assert world.platform.calls["follow"] == 3
    assert world.platform.closed == ["h1,h2"]


def test_a_close_that_takes_several_calls_is_called_again_without_reading_the_file(make_world: Make) -> None:
    """What closing has got to is kept, and the drop is not read once more."""
    world = make_world(handles=True)
    world.platform.close_says = ["more", "more"]
    reads: list[str] = []
    world.aws.before.append(lambda name, named: reads.append(name) if "Range" in named else None)
    body = world.drop(table(people(4)))
    world.run(body)
    world.check(*people(4))
    assert world.platform.calls["close"] == 3
    assert len(reads) == 1
    opened = world.run_of(body).opened
    assert opened is not None
    assert opened.state == {"step": "2"}


def test_a_run_blocked_while_it_is_followed_is_followed_on(make_world: Make) -> None:
    """A redrive of an accepted run does not close the upload again."""
    world = make_world(handles=True)
    world.platform.close_says = ["working"]
    world.platform.faults.append(Fault(call="follow", status=403))
    world.run(world.drop(table(people(4))))
    assert world.receipt()["state"] == "blocked"
    world.redrive()
    world.run()
    world.check(*people(4))
    assert world.platform.calls["close"] == 1


def test_a_run_that_is_followed_and_runs_out_of_time_is_followed_on(make_world: Make) -> None:
    """An invocation too short to ask how far the platform is does not close the upload again."""
    world = make_world(handles=True)
    world.platform.close_says = ["working"]
    world.handle(world.drop(table(people(4))))
    world.budget_s, message = 79, world.queue.pop()
    world.clock.pass_s(7200)
    world.handle(message.body)
    assert world.receipt()["state"] == "accepted"
    world.budget_s = 300
    world.run()
    world.check(*people(4))
    assert (world.platform.calls["close"], world.platform.calls["follow"]) == (1, 1)


def test_two_drops_for_one_audience_take_turns_and_create_it_once(make_world: Make) -> None:
    """The second waits as long as the first is not done, and neither repeats anything."""
    world = make_world()
    world.budget_s = 80.35
    one, two = people(12), people(12, start=50)
    order: list[str] = []
    world.platform.guard = order.append
    first, second = world.drop(table(one), file="a.csv"), world.drop(table(two), file="b.csv")
    world.run(first, second)
    world.check_members(*one, *two)
    assert world.platform.created == 1
    assert [receipt["state"] for receipt in world.receipts()] == ["applied", "applied"]
    assert world.dead_codes() == []


def test_a_wait_for_ones_turn_is_not_ones_own(make_world: Make) -> None:
    """A drop behind one that the platform works on for long has its whole time when its turn comes."""
    world = make_world(handles=True, deadline_s=12 * 3600)
    world.platform.close_says = ["working"] * 2
    world.platform.follow_says = [*["working"] * 4, "done"] * 2
    one, two = people(3), people(3, start=50)
    first, second = world.drop(table(one), file="a.csv"), world.drop(table(two), file="b.csv")
    world.handle(first)
    begun = world.clock()
    world.run(second, most=1000)
    assert world.clock() - begun > 12 * 3600
    assert [receipt["state"] for receipt in world.receipts()] == ["applied", "applied"]
    assert world.platform.calls["close"] == 2
    assert max(world.delays) <= 900
    asked = world.handled
    assert asked < 300, "it asks for its turn less and less often"


def test_two_connectors_of_one_ad_account_share_an_audiences_turn() -> None:
    """The other connector's drop waits, even while nobody works on the first one's."""
    aws = Aws.in_memory()
    one, other = World(aws), World(aws)
    secret = json.dumps({"token": "good", "account": one.name})
    other.aws.secrets.put_secret_value(SecretId=other.secret, SecretString=secret)
    one.budget_s = 80.35  # not enough for the whole file
    assert one.handle(one.drop(table(people(12)))) == "running"
    other.clock.pass_s(one.clock() - other.clock())
    body = other.drop(table(people(3)))
    assert other.handle(body) == "waiting"
    assert other.receipt()["reason"]["code"] == "audience_locked"
    assert other.platform.calls == {}


def test_a_waiting_run_that_lost_its_turn_waits_for_it_again(make_world: Make) -> None:
    """A run whose message came back hours late may find its audience taken; it waits, and nobody fails."""
    world = make_world()
    world.budget_s = 80.25
    first, second = (
        world.drop(table(people(6)), file="a.csv"),
        world.drop(table(people(12, start=50)), file="b.csv"),
    )
    world.handle(first)
    late = world.queue.pop()
    world.clock.pass_s(4 * 3600)
    world.handle(second)
    world.handle(late.body)
    world.run()
    world.check_members(*people(6), *people(12, start=50))
    assert [one["state"] for one in world.receipts()] == ["applied", "applied"]
    assert not [one for one in world.failures if not isinstance(one, LeaseHeld)]


def test_members_are_hashed_once(world: World) -> None:
    """What the platform holds is the hash of the normalised address."""
    world.run(world.drop("email\n  PERSON1@Example.com \n"))
    assert list(world.platform.members) == [(hashed("person1@example.com"),)]
