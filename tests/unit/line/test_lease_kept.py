"""The lease on the run's record is kept before each request, so that no two workers send the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from activation.aws.lease import LeaseHeld, LeaseLost

from tests.unit.line.platform import Fault
from tests.unit.line.world import World, people, table

Make = Callable[..., World]
LEASE_S = 210  # three times the platform's timeout of a minute, and half a minute


def test_a_lease_that_would_end_during_a_call_is_renewed_before_it(world: World) -> None:
    """While a worker repeats a slow request beyond the lease it began with, nobody else gets the run."""
    world.budget_s = 900
    body = world.drop(table(people(3)))
    slow_s = (100.0, 100.0, 100.0)  # the second request would end before the lease does, the third one after it
    refused: list[float] = []

    def pass_slowly(seconds: float) -> Callable[[], None]:
        def act() -> None:
            world.clock.pass_s(seconds)
            other = world.process()
            ends_at = world.clock() + world.budget_s
            with pytest.raises(LeaseHeld) as held:
                other.handle(body, aws_account="123456789012", time_left_s=lambda: ends_at - world.clock())
            refused.append(held.value.for_s)

        return act

    world.platform.faults += [
        Fault(act=pass_slowly(one), status=503, headers={"retry-after": "1"}) for one in slow_s
    ]
    world.run(body)
    assert sum(slow_s) > LEASE_S
    assert len(refused) == len(slow_s)
    world.check(*people(3))
    assert (world.platform.resent, world.handled, world.crashes) == (0, 1, 0)


def test_a_worker_whose_lease_was_lost_sends_nothing_more(world: World) -> None:
    """Another worker has finished the run meanwhile: the request that was to be repeated is not sent."""
    world.budget_s = 900
    body = world.drop(table(people(3)))

    def taken_over() -> None:
        world.clock.pass_s(LEASE_S + 60)
        world.restart()
        world.handle(body)

    world.platform.faults.append(Fault(act=taken_over, status=503, headers={"retry-after": "1"}))
    with pytest.raises(LeaseLost):
        world.handle(body)
    assert world.platform.calls["users"] == 2
    assert world.platform.resent == 0
    assert world.receipt()["state"] == "applied"
    assert len(world.events) == 1


def test_rows_of_which_none_is_sent_are_recorded_and_keep_the_lease(make_world: Make) -> None:
    """A long stretch of rejected rows is not read again by the next worker, nor does the lease end meanwhile."""
    world = make_world(handles=True)
    body = world.drop(table([*people(3), *["nobody"] * 9]))
    seen: list[tuple[int, float]] = []

    def pass_while_reading(operation: str, _: Mapping[str, Any]) -> None:
        if operation == "put_object":  # the list of the rejected rows, written just before they are recorded
            world.clock.pass_s(60)  # so short that the next request does not need to renew the lease

    def look() -> None:
        run = world.run_of(body)
        seen.append((run.progress.checkpoint.cursor.row, run.lease_until - world.clock()))

    world.budget_s = 900
    world.aws.before.append(pass_while_reading)
    world.platform.faults.append(Fault(call="close", act=look))
    world.run(body)
    ((row, left_s),) = seen
    assert row == 12
    assert left_s == pytest.approx(LEASE_S, abs=1)
    world.check_sums(world.receipt())
