"""The pace of an ad account, shared by its workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from activation.aws.table import ConditionalTable
from activation.errors import Retryable
from activation.pipeline.client import OutOfTime, PlatformClient
from activation.pipeline.rate_limit import RateLimit
from activation.platforms.account import AdAccount
from activation.platforms.rate import Rate, Scope, Tier, Window
from activation.platforms.request import Request

from tests.unit.line.aws_in_memory import refusal
from tests.unit.line.platform import Fault, TinyPlatform
from tests.unit.line.tiny_publisher import TinyPublisher
from tests.unit.line.watched_aws import Aws, Clock
from tests.unit.line.world import NAMES, World, people, table


def rate_limits(aws: Aws, clock: Clock, *accounts: str, windows: Sequence[Window] = ()) -> list[RateLimit]:
    """Make the rate limit of each account, as one worker has it."""
    shared = ConditionalTable(aws.dynamodb, "ledger")
    return [RateLimit(shared, f"account#tiny#{account}", windows, clock=clock) for account in accounts]


def test_a_hold_is_everybodys_on_the_account(aws: Aws) -> None:
    """The worker that learned of it waits at once, the others within a second, other accounts not at all."""
    clock, account = Clock(), f"a{next(NAMES)}"
    mine, theirs, other = rate_limits(aws, clock, account, account, f"{account}x")
    assert (mine.wait_s(), theirs.wait_s(), other.wait_s()) == (0, 0, 0)
    mine.hold(60)
    assert mine.wait_s() == 60
    clock.pass_s(1)
    assert theirs.wait_s() == pytest.approx(59)
    assert other.wait_s() == 0
    clock.pass_s(60)
    assert (mine.wait_s(), theirs.wait_s()) == (0, 0)


def test_a_longer_hold_stays(aws: Aws) -> None:
    """A short throttle does not end a long one, whoever set it."""
    clock, account = Clock(), f"a{next(NAMES)}"
    mine, theirs = rate_limits(aws, clock, account, account)
    mine.hold(600)
    theirs.hold(5)
    mine.hold(5)
    clock.pass_s(2)
    assert mine.wait_s() == pytest.approx(598)
    assert theirs.wait_s() == pytest.approx(598)


def test_a_hold_removed_from_the_record_ends_for_every_worker(aws: Aws) -> None:
    """The record is authoritative: an operator who clears a wrong hold restarts no function."""
    clock, account = Clock(), f"a{next(NAMES)}"
    mine, theirs = rate_limits(aws, clock, account, account)
    mine.hold(600)
    clock.pass_s(1)
    assert [mine.wait_s(), theirs.wait_s()] == pytest.approx([599, 599])
    ConditionalTable(aws.dynamodb, "ledger").update(
        f"account#tiny#{account}",
        "SET not_before = :now",
        {":now": {"N": str(clock())}, ":held": {"N": str(clock() + 599)}},
        condition="not_before = :held",
    )
    clock.pass_s(1)
    assert (mine.wait_s(), theirs.wait_s()) == (0, 0)


def test_the_table_is_read_once_a_second(aws: Aws) -> None:
    """Asking before every request costs no read each."""
    clock = Clock()
    (rate_limit,) = rate_limits(aws, clock, f"a{next(NAMES)}")
    reads: list[str] = []
    aws.before.append(lambda name, _: reads.append(name))
    for _ in range(20):
        rate_limit.wait_s()
        clock.pass_s(0.1)
    assert len(reads) == 2


def test_a_hold_that_cannot_be_shared_is_kept_alone() -> None:
    """The answer that asked for it may have acknowledged a batch, which is not to be sent again for that."""
    aws, clock = Aws.in_memory(), Clock()
    (rate_limit,) = rate_limits(aws, clock, "a")

    def fail(name: str, _: object) -> None:
        if name == "update_item":
            raise refusal(name, "ThrottlingException")

    aws.before.append(fail)
    rate_limit.hold(30)
    assert rate_limit.wait_s() == 30


def test_a_table_that_does_not_answer_stops_a_request() -> None:
    """Not knowing the pace is no leave to send."""
    aws = Aws.in_memory()

    def fail(name: str, _: object) -> None:
        raise refusal(name, "ThrottlingException")

    aws.before.append(fail)
    (rate_limit,) = rate_limits(aws, Clock(), "a")
    with pytest.raises(Retryable):
        rate_limit.wait_s()


def test_a_throttle_waits_in_the_queue_and_costs_no_receive(world: World) -> None:
    """Half an hour of throttle is a delayed message; nothing is asked before, and no batch is repeated."""
    world.platform.faults.append(Fault(skip=1, status=429, headers={"retry-after": "1800"}))
    begun = world.clock()
    world.run(world.drop(table(people(9))))
    receipt = world.check(*people(9))
    assert world.clock() - begun >= 1800
    assert world.platform.calls["users"] == 4
    assert receipt["resent"] == 0
    assert world.failures == []


def test_a_hint_to_slow_down_holds_what_comes_next(world: World) -> None:
    """A good answer that names a wait is acknowledged, and the next request waits."""
    inner = world.platform.send

    def hinting(request: object, *, timeout_s: float) -> object:
        answer = inner(request, timeout_s=timeout_s)  # type: ignore[arg-type]  # a Request
        if world.platform.calls["users"] == 1:
            answer.headers["retry-after"] = "300"  # type: ignore[index]  # a dict in this test
        return answer

    world.platform.send = hinting  # type: ignore[method-assign,assignment]  # a server in a hurry
    world.restart()
    begun = world.clock()
    world.run(world.drop(table(people(6))))
    world.check(*people(6))
    assert world.clock() - begun >= 300
    assert world.platform.calls["users"] == 2


def test_a_short_wait_is_slept_through(world: World) -> None:
    """A pause of a second is not worth a message."""
    world.platform.faults.append(Fault(status=429, times=3, headers={"retry-after": "1"}))
    world.run(world.drop(table(people(3))))
    world.check(*people(3))
    assert world.handled == 1


def test_uploads_are_paced_by_all_workers_together(aws: Aws) -> None:
    """Forty uploads in a window of twenty: the second twenty wait for the next one, whoever sends them."""
    clock = Clock()
    account = f"a{next(NAMES)}"
    workers = rate_limits(aws, clock, account, account, windows=[Window(20, 300.0), Window(5000, 3600.0)])
    assert [workers[turn % 2].wait_s(uploads=True) for turn in range(20)] == [0] * 20
    clock.pass_s(100)
    waits = [one.wait_s(uploads=True) for one in workers]
    assert waits == pytest.approx([200, 200])
    assert workers[0].wait_s() == 0  # a question carries nobody
    clock.pass_s(200)
    assert [one.wait_s(uploads=True) for one in workers] == [0, 0]


def test_a_free_window_makes_nobody_wait_and_costs_few_writes(aws: Aws) -> None:
    """Uploads are reserved more and more at a time."""
    clock = Clock()
    (rate_limit,) = rate_limits(
        aws, clock, f"a{next(NAMES)}", windows=[Window(3000, 300.0), Window(190_000, 3600.0)]
    )
    writes: list[str] = []
    aws.before.append(lambda name, _: writes.append(name) if name == "update_item" else None)
    assert [rate_limit.wait_s(uploads=True) for _ in range(200)] == [0] * 200
    assert len(writes) == 8


def test_what_was_reserved_in_one_window_is_not_used_in_the_next(aws: Aws) -> None:
    """Two workers never send more than a window has, across its end as well."""
    clock = Clock()
    account = f"a{next(NAMES)}"
    workers = rate_limits(aws, clock, account, account, windows=[Window(40, 60.0)])
    assert [workers[0].wait_s(uploads=True) for _ in range(2)] == [0, 0]  # and reserves another one
    clock.pass_s(61)
    sent = sum(one.wait_s(uploads=True) == 0 for _ in range(60) for one in workers)
    assert sent == 40


def test_a_short_window_is_each_workers_own(aws: Aws) -> None:
    """Ten a second need no record: the eleventh waits for the second to end."""
    clock = Clock()
    (rate_limit,) = rate_limits(aws, clock, f"a{next(NAMES)}", windows=[Window(10, 1.0)])
    writes: list[str] = []
    aws.before.append(lambda name, _: writes.append(name) if name == "update_item" else None)
    assert [rate_limit.wait_s(uploads=True) for _ in range(10)] == [0] * 10
    clock.pass_s(0.25)
    assert rate_limit.wait_s(uploads=True) == pytest.approx(0.75)
    clock.pass_s(0.75)
    assert rate_limit.wait_s(uploads=True) == 0
    assert writes == []


def test_workers_that_die_lose_no_more_of_a_window_than_they_have_used(aws: Aws) -> None:
    """Forty workers that send one upload each use forty of the window, and not all of it."""
    clock, account = Clock(), f"a{next(NAMES)}"
    windows = [Window(3000, 300.0), Window(190_000, 3600.0)]
    for _ in range(40):
        (rate_limit,) = rate_limits(aws, clock, account, windows=windows)
        assert rate_limit.wait_s(uploads=True) == 0
    item = ConditionalTable(aws.dynamodb, "ledger").read(f"account#tiny#{account}")
    assert item is not None
    assert (item["window_300_used"], item["window_3600_used"]) == ({"N": "40"}, {"N": "40"})


@pytest.mark.parametrize("per_s", [5.0, 60.0])
def test_a_clock_that_steps_back_makes_nobody_wait_longer_than_a_window(per_s: float) -> None:
    """The window then counts from now, in the record as well."""
    aws, clock = Aws.in_memory(), Clock()
    mine, theirs = rate_limits(aws, clock, "a", "a", windows=[Window(5, per_s)])
    assert [mine.wait_s(uploads=True) for _ in range(5)] == [0] * 5
    clock.pass_s(-50)
    assert mine.wait_s(uploads=True) == per_s
    clock.pass_s(per_s - 1)
    assert mine.wait_s(uploads=True) == pytest.approx(1)
    clock.pass_s(1)
    assert (mine.wait_s(uploads=True), theirs.wait_s(uploads=True)) == (0, 0)


@pytest.mark.parametrize("per_s", [5.0, 60.0])
def test_an_upload_that_was_not_sent_is_given_back(per_s: float) -> None:
    """Three were counted and one was not sent: the window of three has room for it."""
    clock = Clock()
    (rate_limit,) = rate_limits(Aws.in_memory(), clock, "a", windows=[Window(3, per_s)])
    assert [rate_limit.wait_s(uploads=True) for _ in range(3)] == [0, 0, 0]
    rate_limit.give_back()
    assert rate_limit.wait_s(uploads=True) == 0
    assert rate_limit.wait_s(uploads=True) == per_s


class Unsigned:
    """Lets requests go as they are."""

    def sign(self, request: Request) -> tuple[Request, int]:
        """Return the request."""
        return request, 0

    def renew(self, refused: Request, number: int) -> None:
        """Have nothing else."""


class Hurried:
    """A worker without time for a call."""

    def time_for_calls_s(self) -> float:
        """Return less than a call's timeout."""
        return 10.0

    def keep_lease(self) -> None:
        """Hold nothing."""

    def note_sent(self, size_bytes: int, repeated: bool) -> None:
        """Count nothing."""

    def note_answer(self, seconds: float, *, throttled: bool) -> None:
        """Count nothing."""

    def note_repeat(self, rows: int) -> None:
        """Count nothing."""


def test_an_invocation_that_has_no_time_to_send_uses_nothing_of_the_window() -> None:
    """Its upload is counted before the time is looked at, and given back."""
    clock = Clock()
    (rate_limit,) = rate_limits(Aws.in_memory(), clock, "a", windows=[Window(1, 60.0)])
    client = PlatformClient(
        publisher=TinyPublisher(AdAccount("1", "https://platform.example")),
        signing=Unsigned(),
        http=TinyPlatform(clock.pass_s),
        rate_limit=rate_limit,
        timeout_s=60,
        worker=Hurried(),
        sleep=clock.pass_s,
    )
    with pytest.raises(OutOfTime):
        client.send(Request("users", "POST", "https://platform.example/users", {}, b"{}", 1))
    assert rate_limit.wait_s(uploads=True) == 0


def test_small_drops_do_not_wait_while_the_window_is_nearly_empty(make_world: Callable[..., World]) -> None:
    """A window of a hundred uploads takes a hundred drops of one row, and reserves hardly more of them."""
    tier = Tier((Window(100, 300.0),), "https://platform.example", "2026-11-29")
    world = make_world(rate=Rate(Scope.ACCOUNT, {"full": tier}))
    begun = world.clock()
    for number in range(96):
        world.run(world.drop(table(people(1)), file=f"f{number}.csv"))
    assert world.platform.calls["users"] == 96
    assert world.clock() - begun < 60


def test_a_paced_run_waits_in_the_queue_before_the_platform_has_to_refuse(
    make_world: Callable[..., World],
) -> None:
    """Five uploads in windows of two take two waits and no throttle; the message's receives are not used up."""
    rate = Rate(Scope.ACCOUNT, {"slow": Tier((Window(2, 300.0),), "https://platform.example", "2026-11-29")})
    world = make_world(rate=rate)
    begun = world.clock()
    world.run(world.drop(table(people(15))))
    receipt = world.check(*people(15))
    assert world.clock() - begun >= 600
    assert (receipt["requests"], world.failures) == (7, [])
