"""Paid starts: made once, whatever is repeated, lost or interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from activation.aws.lease import LeaseHeld
from activation.aws.table import ConditionalTable
from activation.errors import Retryable
from activation.ledger.keys import start_key
from activation.ledger.paid_starts import LEASE_S, SETTLE_S, PaidStarts, StartState
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError, ReadTimeoutError

from tests.unit.line.table_in_memory import Repeating, Table

KEY = start_key("normalize", "vip", "2026-11-30T06:00")


@dataclass
class Aws:
    """A service that starts things and lists them; what `before` or `after` raises is the answer to the call."""

    started: list[str] = field(default_factory=list)
    searches: int = 0
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None

    def start(self, token: str) -> str:
        """Start one more."""
        self.before()
        self.started.append(token)
        self.after()
        return f"jr_{len(self.started)}"

    def find(self, token: str, since: float) -> str:
        """Find the first that was started with the token."""
        assert since > 0
        self.searches += 1
        return f"jr_{self.started.index(token) + 1}" if token in self.started else ""


@dataclass
class World:
    """A table, a clock and a service."""

    table: Table = field(default_factory=Table)
    aws: Aws = field(default_factory=Aws)
    now: float = 1_000.0

    def starts(self, client: Any = None) -> PaidStarts:
        """Return the starts as one worker has them."""
        client = client or self.table
        return PaidStarts(ConditionalTable(client, "ledger"), keep_s=3600, clock=lambda: self.now)


@pytest.fixture
def world() -> World:
    """Return a world in which nothing was started."""
    return World()


class Killed(BaseException):
    """The worker is gone."""


def raising(error: BaseException) -> Callable[[], None]:
    """Return a function that raises the error."""

    def raise_() -> None:
        raise error

    return raise_


def answer(code: str, status: int) -> ClientError:
    """Return the error of an answer of AWS's."""
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # as much of an answer as is read
        "StartJobRun",
    )


LOST = [
    ReadTimeoutError(endpoint_url="https://glue"),
    EndpointConnectionError(endpoint_url="https://glue"),
    answer("InternalServiceException", 500),
    answer("RequestTimeout", 408),
    answer("OperationTimeoutException", 400),
]


def test_twenty_repeated_events_start_one(world: World) -> None:
    """Whatever the repetitions, one thing is started and all of them see it."""
    seen = [world.starts().begin(KEY, world.aws) for _ in range(20)]
    assert len(world.aws.started) == 1
    assert {(one.state, one.id, one.attempt) for one in seen} == {(StartState.STARTED, "jr_1", 1)}


def test_twenty_at_the_same_time_start_one(world: World) -> None:
    """Workers that meet start one thing; the others find it, or find a worker at it."""
    gate = threading.Barrier(20)
    met: list[str] = []

    def work() -> None:
        gate.wait()
        try:
            world.starts().begin(KEY, world.aws)
        except LeaseHeld:
            met.append("held")

    threads = [threading.Thread(target=work) for _ in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(world.aws.started) == 1
    assert world.starts().begin(KEY, world.aws).id == "jr_1"


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__ + str(error)[-30:])
def test_a_lost_answer_is_looked_for_before_another_start(world: World, error: Exception) -> None:
    """What a call has started is found by its token although the answer was lost."""
    world.aws.after = raising(error)
    with pytest.raises(Retryable, match="start_unsettled") as raised:
        world.starts().begin(KEY, world.aws)
    assert raised.value.after_s == SETTLE_S
    assert world.starts().begin(KEY, world.aws).id == "jr_1"
    assert len(world.aws.started) == 1


def test_a_call_that_did_not_arrive_is_made_again_once_that_is_certain(world: World) -> None:
    """Nothing is started anew before AWS's lists must show what the first call could have started."""
    world.aws.before = raising(LOST[0])
    with pytest.raises(Retryable, match="start_unsettled"):
        world.starts().begin(KEY, world.aws)
    world.aws.before = lambda: None
    world.now += SETTLE_S - 1
    with pytest.raises(Retryable, match="start_unsettled") as raised:
        world.starts().begin(KEY, world.aws)
    assert raised.value.after_s == 1
    assert not world.aws.started
    world.now += 1
    assert world.starts().begin(KEY, world.aws).attempt == 1
    assert len(world.aws.started) == 1


@pytest.mark.parametrize(
    "error", [answer("ConcurrentRunsExceededException", 400), ParamValidationError(report="Invalid type")]
)
def test_a_refused_call_counts_for_nothing(world: World, error: Exception) -> None:
    """What AWS refuses, or the SDK does not send, is no attempt, and the next event starts at once."""
    world.aws.before = raising(error)
    with pytest.raises(type(error)):
        world.starts().begin(KEY, world.aws)
    assert world.starts().read(KEY).state is StartState.NEW
    world.aws.before = lambda: None
    assert world.starts().begin(KEY, world.aws).attempt == 1
    assert world.aws.searches == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_worker_leaves_what_the_next_one_settles(world: World, moment: str) -> None:
    """Killed before or after the call, the next worker starts nothing twice and leaves nothing unstarted."""
    setattr(world.aws, moment, raising(Killed()))
    starts = world.starts(Unreleased(world.table))
    with pytest.raises(Killed):
        starts.begin(KEY, world.aws)
    setattr(world.aws, moment, lambda: None)
    with pytest.raises(LeaseHeld):
        world.starts().begin(KEY, world.aws)
    world.now += LEASE_S + SETTLE_S + 1
    assert world.starts().begin(KEY, world.aws).state is StartState.STARTED
    assert len(world.aws.started) == 1


@dataclass
class Unreleased:
    """A table that a killed worker no longer writes to: its lease stays."""

    table: Table

    def get_item(self, **arguments: Any) -> dict[str, Any]:
        """Read."""
        return self.table.get_item(**arguments)

    def update_item(self, **arguments: Any) -> dict[str, Any]:
        """Write all but a release."""
        if arguments["ExpressionAttributeValues"].get(":until") == {"N": "0.000"}:
            return {"Attributes": self.table.items[KEY]}
        return self.table.update_item(**arguments)


def test_a_failed_start_is_repeated_by_a_wish_for_it_alone(world: World) -> None:
    """A repeated event does not repeat what failed; one retry makes one attempt, however often it is delivered."""
    starts = world.starts()
    starts.begin(KEY, world.aws)
    assert starts.finish(KEY, "jr_1", StartState.FAILED, "job_failed")
    assert starts.begin(KEY, world.aws).reason == "job_failed"
    assert len(world.aws.started) == 1
    again = [starts.begin(KEY, world.aws, after=1) for _ in range(3)]
    assert [(one.attempt, one.id, one.reason) for one in again] == [(2, "jr_2", "")] * 3
    assert world.aws.started == [f"{KEY}@1", f"{KEY}@2"]


def test_an_adoption_between_a_retry_s_read_and_its_write_is_kept(world: World) -> None:
    """What an abandoned attempt has started after all is not paid for a second time."""
    world.aws.after = raising(LOST[0])
    with pytest.raises(Retryable, match="start_unsettled"):
        world.starts().begin(KEY, world.aws)
    world.aws.after = lambda: None
    assert world.starts().abandon(KEY, 1, "start_in_doubt")
    adopted: list[bool] = []

    def adopt() -> None:
        starts = world.starts()
        adopted.append(starts.adopt(starts.read(KEY), "jr_1"))

    seen = world.starts(Interleaved(world.table, adopt)).begin(KEY, world.aws, after=1)
    assert adopted == [True]
    assert (seen.state, seen.id, seen.attempt) == (StartState.STARTED, "jr_1", 1)
    assert world.aws.started == [f"{KEY}@1"]
    assert world.starts().begin(KEY, world.aws, after=1) == seen


def test_an_attempt_that_is_given_up_meanwhile_is_not_made_again(world: World) -> None:
    """Whoever gave it up has told of a failure, so that only a new wish makes another."""
    world.aws.before = raising(LOST[0])
    with pytest.raises(Retryable, match="start_unsettled"):
        world.starts().begin(KEY, world.aws)
    world.aws.before = lambda: None
    world.now += SETTLE_S
    given_up = Interleaved(world.table, lambda: world.starts().abandon(KEY, 1, "start_in_doubt"))
    assert world.starts(given_up).begin(KEY, world.aws).state is StartState.FAILED
    assert not world.aws.started


@dataclass
class Interleaved:
    """A table that another worker writes to just before a start is recorded as being made."""

    table: Table
    other: Callable[[], object]

    def get_item(self, **arguments: Any) -> dict[str, Any]:
        """Read."""
        return self.table.get_item(**arguments)

    def update_item(self, **arguments: Any) -> dict[str, Any]:
        """Write, after the other where a start is recorded."""
        if arguments["ExpressionAttributeValues"].get(":state") == {"S": StartState.STARTING}:
            self.other()
        return self.table.update_item(**arguments)


def test_a_refused_retry_can_be_wished_again(world: World) -> None:
    """A retry that AWS refuses leaves the failed attempt as the last one."""
    starts = world.starts()
    starts.begin(KEY, world.aws)
    starts.finish(KEY, "jr_1", StartState.FAILED, "job_failed")
    world.aws.before = raising(answer("ThrottlingException", 400))
    with pytest.raises(ClientError):
        starts.begin(KEY, world.aws, after=1)
    assert (starts.read(KEY).state, starts.read(KEY).attempt) == (StartState.FAILED, 1)
    world.aws.before = lambda: None
    assert starts.begin(KEY, world.aws, after=1).attempt == 2


def test_a_search_that_began_too_early_settles_nothing(world: World) -> None:
    """A search during which the time to show up passes may have missed what was started."""
    starts = world.starts()
    world.aws.after = raising(LOST[0])
    with pytest.raises(Retryable, match="start_unsettled"):
        starts.begin(KEY, world.aws)
    world.now += SETTLE_S - 1
    found = world.aws.find

    def slow(token: str, since: float) -> str:
        world.now += 2
        assert found(token, since)
        return ""  # the list was made before the run showed up

    world.aws.find = slow  # type: ignore[method-assign]  # a search that takes two seconds
    with pytest.raises(Retryable, match="start_unsettled"):
        starts.begin(KEY, world.aws)
    world.aws.find = found  # type: ignore[method-assign]  # the search as it was
    assert starts.begin(KEY, world.aws).id == "jr_1"
    assert len(world.aws.started) == 1


def test_an_end_is_recorded_once_and_of_the_last_attempt_alone(world: World) -> None:
    """A repeated or late notice of an end changes nothing."""
    starts = world.starts()
    starts.begin(KEY, world.aws)
    assert not starts.finish(KEY, "jr_0", StartState.FAILED, "job_failed")
    assert starts.finish(KEY, "jr_1", StartState.SUCCEEDED)
    assert not starts.finish(KEY, "jr_1", StartState.FAILED, "job_failed")
    assert starts.begin(KEY, world.aws, after=1).state is StartState.SUCCEEDED


def test_writes_may_be_sent_twice_by_the_sdk(world: World) -> None:
    """A conditional write whose answer was lost is recognised when it is repeated."""
    repeating = Repeating(world.table)
    repeating.get_item = world.table.get_item  # type: ignore[attr-defined]  # it repeats writes only
    assert world.starts(repeating).begin(KEY, world.aws).id == "jr_1"
    assert len(world.aws.started) == 1
