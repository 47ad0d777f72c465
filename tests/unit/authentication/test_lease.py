"""The fenced lease, in DynamoDB's words and in those of the table in memory."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from activation.aws.lease import Changes, LeaseHeld, LeaseLost, Leases
from activation.aws.table import ConditionalTable, read_text
from activation.errors import Retryable

from tests.unit.authentication.world import NAMES, Clock
from tests.unit.line.aws_in_memory import refusal
from tests.unit.line.table_in_memory import Repeating, Table


class Bench:
    """Leases with a clock, on a record of their own."""

    def __init__(self, dynamodb: Any) -> None:
        self.clock = Clock()
        self.table = ConditionalTable(dynamodb, "ledger")
        self.leases = Leases(self.table, clock=self.clock)
        self.key = f"lease{next(NAMES)}"


@pytest.fixture
def bench(aws: tuple[Any, Any]) -> Bench:
    """Return a fixture on either kind of table."""
    return Bench(aws[1])


def test_a_lease_excludes_others_until_it_is_released(bench: Bench) -> None:
    """Another holder is told for how long, and gets a higher fence afterwards."""
    lease = bench.leases.acquire(bench.key, "one", for_s=100)
    assert (lease.fence, lease.until, bench.leases.left_s(lease)) == (1, bench.clock() + 100, 100)
    bench.clock.pass_s(40)
    with pytest.raises(LeaseHeld) as held:
        bench.leases.acquire(bench.key, "two", for_s=100)
    assert held.value.for_s == pytest.approx(60)
    bench.leases.release(lease)
    assert bench.leases.acquire(bench.key, "two", for_s=100).fence == 2


def test_a_lease_ends_by_itself_and_its_late_holder_can_write_nothing(bench: Bench) -> None:
    """The one whose lease ran out and was acquired by another can neither renew nor release it."""
    late = bench.leases.acquire(bench.key, "one", for_s=100)
    bench.clock.pass_s(100.01)
    newer = bench.leases.acquire(bench.key, "two", for_s=100)
    with pytest.raises(LeaseLost):
        bench.leases.renew(late, for_s=100)
    with pytest.raises(LeaseLost):
        bench.leases.release(late, changes=Changes("note = :note", {":note": {"S": "late"}}))
    with pytest.raises(LeaseHeld):
        bench.leases.acquire(bench.key, "three", for_s=100)
    assert "note" not in bench.leases.renew(newer, for_s=100).record


def test_a_lease_is_renewed_in_time_and_after_it_ran_out_when_nobody_wanted_it(bench: Bench) -> None:
    """Renewing counts from now and keeps the fence."""
    lease = bench.leases.acquire(bench.key, "one", for_s=100)
    for seconds in (90, 200):
        bench.clock.pass_s(seconds)
        lease = bench.leases.renew(lease, for_s=100)
        assert (lease.fence, lease.until) == (1, bench.clock() + 100)
    bench.clock.pass_s(99)
    with pytest.raises(LeaseHeld):
        bench.leases.acquire(bench.key, "two", for_s=100)


def test_a_holder_acquires_its_own_lease_again_with_the_same_fence(bench: Bench) -> None:
    """A claim that took effect although its answer was lost is recognised by its token."""
    first = bench.leases.acquire(bench.key, "one", for_s=100)
    bench.clock.pass_s(10)
    again = bench.leases.acquire(bench.key, "one", for_s=100)
    assert again == first
    bench.leases.release(again)
    assert bench.leases.acquire(bench.key, "one", for_s=100).fence == 2


def test_every_write_may_be_repeated_by_the_sdk() -> None:
    """Acquiring, renewing and releasing twice come to the same as once."""
    bench = Bench(Repeating(Table()))
    for fence in (1, 2):
        lease = bench.leases.acquire(bench.key, f"holder{fence}", for_s=100)
        assert lease.fence == fence
        bench.leases.release(bench.leases.renew(lease, for_s=200))


def test_changes_are_written_with_the_lease_and_read_back(bench: Bench) -> None:
    """A holder's record and its lease are one write, and the next holder finds what the last one left."""
    begin = Changes("#state = if_not_exists(#state, :new)", {":new": {"S": "new"}}, {"#state": "state"})
    lease = bench.leases.acquire(bench.key, "one", for_s=100, changes=begin)
    assert read_text(lease.record, "state") == "new"
    done = Changes("#state = :done", {":done": {"S": "done"}}, {"#state": "state"})
    bench.leases.release(lease, changes=done)
    assert read_text(bench.leases.acquire(bench.key, "two", for_s=9, changes=begin).record, "state") == "done"


def test_a_condition_of_the_callers_shows_why_it_failed(moto: tuple[Any, Any]) -> None:
    """A free lease is refused for what the record says, and the refusal carries the record."""
    bench = Bench(moto[1])
    done = Changes("#state = :done", {":done": {"S": "done"}}, {"#state": "state"})
    bench.leases.release(bench.leases.acquire(bench.key, "one", for_s=100), changes=done)
    with pytest.raises(LeaseHeld) as held:
        bench.leases.acquire(
            bench.key,
            "two",
            for_s=100,
            only_if="NOT #state = :final",
            changes=Changes("", {":final": {"S": "done"}}, {"#state": "state"}),
        )
    assert (held.value.for_s, read_text(held.value.record, "state")) == (0, "done")


def test_a_record_expires_only_where_that_is_asked_for(bench: Bench) -> None:
    """Time to live counts from the end of the lease, and a record that others own keeps its own."""
    assert "expires_at" not in bench.leases.acquire(bench.key, "one", for_s=100).record
    kept = Leases(bench.table, keep_s=1000, clock=bench.clock)
    lease = kept.acquire(f"{bench.key}b", "one", for_s=100)
    assert lease.record["expires_at"]["N"] == str(int(bench.clock()) + 1100)
    assert kept.release(lease).record["expires_at"]["N"] == str(int(bench.clock()) + 1000)


def test_a_table_that_does_not_answer_is_waited_for() -> None:
    """A throttled table is no reason to think that the lease is free."""

    class Throttled:
        def update_item(self, **_: Any) -> dict[str, Any]:
            raise refusal("UpdateItem", "ProvisionedThroughputExceededException")

    with pytest.raises(Retryable, match="ledger"):
        Bench(Throttled()).leases.acquire("k", "one", for_s=1)


def test_of_many_who_want_it_at_once_one_at_a_time_has_it() -> None:
    """Fences come in order, without a gap and without a pair."""
    bench = Bench(Table())
    inside = itertools.count()
    seen: list[tuple[int, int]] = []

    def work(name: int) -> None:
        while True:
            try:
                lease = bench.leases.acquire(bench.key, str(name), for_s=100)
            except LeaseHeld:
                continue
            seen.append((lease.fence, next(inside)))
            bench.leases.release(lease)
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert seen == [(fence, fence - 1) for fence in range(1, 25)]
