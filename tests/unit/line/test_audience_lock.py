"""An audience's turn, and the order of an object's versions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.audience_lock import AudienceLocked, AudienceLocks, Superseded
from activation.ledger.keys import audience_key
from activation.model import Drop

from tests.unit.line.watched_aws import Aws, Clock
from tests.unit.line.world import NAMES


class Bench:
    """AudienceLocks with a clock, and an audience of their own."""

    def __init__(self, aws: Aws) -> None:
        self.clock = Clock()
        self.table = ConditionalTable(aws.dynamodb, "ledger")
        self.locks = AudienceLocks(self.table, lock_s=100, ttl_days=1, clock=self.clock)
        self.key = audience_key("tiny", "1", f"été{next(NAMES)}")
        self.drop = Drop("drops", f"key{next(NAMES)}", "v1", "0055AED6DCD90281E5", 1)


@pytest.fixture
def bench(aws: Aws) -> Bench:
    """Return a fixture on fresh tables."""
    return Bench(aws)


def test_a_turn_is_one_runs_until_it_gives_it_up(bench: Bench) -> None:
    """Others are told how long at most; the holder may take it again; afterwards it is the next one's."""
    bench.locks.acquire(bench.key, "one")
    bench.clock.pass_s(30)
    with pytest.raises(AudienceLocked) as wait:
        bench.locks.acquire(bench.key, "two")
    assert wait.value.for_s == pytest.approx(70)
    bench.locks.acquire(bench.key, "one")
    bench.locks.release(bench.key, "one")
    bench.locks.acquire(bench.key, "two")


def test_a_turn_is_the_audiences_whatever_is_done_to_it(bench: Bench) -> None:
    """Other audiences of the account have their own turns, and so has an audience of that name in another one."""
    name = f"été{next(NAMES)}"
    bench.locks.acquire(audience_key("tiny", "1", name), "one")
    with pytest.raises(AudienceLocked):
        bench.locks.acquire(audience_key("tiny", "1", name), "two")
    bench.locks.acquire(audience_key("tiny", "1", f"other {name}"), "two")
    bench.locks.acquire(audience_key("tiny", "2", name), "two")
    bench.locks.acquire(audience_key("large", "1", name), "two")


def test_a_turn_outlives_its_holder_only_so_long(bench: Bench) -> None:
    """A run that died does not stop an audience for good, and cannot end its successor's turn."""
    bench.locks.acquire(bench.key, "one")
    bench.clock.pass_s(100.01)
    bench.locks.acquire(bench.key, "two")
    bench.locks.release(bench.key, "one")
    with pytest.raises(AudienceLocked):
        bench.locks.acquire(bench.key, "three")


def test_a_turn_can_be_kept_over_a_long_wait(bench: Bench) -> None:
    """A run that waits for the platform keeps its turn for that long."""
    bench.locks.acquire(bench.key, "one", for_s=5000)
    bench.clock.pass_s(4999)
    with pytest.raises(AudienceLocked):
        bench.locks.acquire(bench.key, "two")


def test_giving_up_what_nobody_holds_does_nothing(bench: Bench) -> None:
    """The end of a run that never had its turn is no error."""
    bench.locks.release(bench.key, "one")
    bench.locks.acquire(bench.key, "two")


@pytest.mark.parametrize(
    ("first", "then", "superseded"),
    [
        ("0055AED6DCD90281E5", "0055AED6DCD90281E6", False),
        ("0055AED6DCD90281E5", "0055aed6dcd90281e5", False),
        ("0055AED6DCD90281E5", "0055AED6DCD90281E4", True),
        ("0055AED6DCD90281E5", "0055AED6DCD90281E500", False),
        ("0055AED6DCD90281E5", "0055AED6DCD90281E501", False),
        ("0055AED6DCD90281E501", "0055AED6DCD90281E5", True),
        ("0055AED6DCD90281E5", "", False),
    ],
)
def test_versions_of_a_key_are_ordered_by_their_sequencers(
    bench: Bench, first: str, then: str, superseded: bool
) -> None:
    """As hexadecimal, the shorter padded with zeros on the right; the same version may come again."""
    bench.locks.check_order(replace(bench.drop, sequencer=first), "tiny")
    second = replace(bench.drop, sequencer=then)
    if superseded:
        with pytest.raises(Superseded):
            bench.locks.check_order(second, "tiny")
    else:
        bench.locks.check_order(second, "tiny")
    bench.locks.check_order(replace(second, key="another", sequencer="0"), "tiny")


def test_a_newer_version_in_another_account_supersedes_none(bench: Bench) -> None:
    """What was sent to one ad account says nothing of what another is still to get."""
    bench.locks.check_order(replace(bench.drop, sequencer="02"), "tiny", "a2")
    bench.locks.check_order(replace(bench.drop, sequencer="01"), "tiny")
    with pytest.raises(Superseded):
        bench.locks.check_order(replace(bench.drop, sequencer="01"), "tiny", "a2")
