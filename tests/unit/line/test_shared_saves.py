"""Acknowledgements that are written together: none returns before it is written, and none waits for nobody."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, cast

import pytest
from activation.aws.lease import LeaseLost
from activation.ledger.shared_saves import SharedSaves

from tests.unit.line.test_slots import measured, slots
from tests.unit.line.world import World, people, table

LONG_S = 30.0


@dataclass
class Record:
    """A run's record in place of the ledger's: `value` in memory, `saved` as it was written each time."""

    lock: Lock = field(default_factory=Lock)
    value: int = 0
    saved: list[int] = field(default_factory=list)
    lost: bool = False

    def save(self) -> None:
        """Write the record."""
        if self.lost:
            raise LeaseLost
        self.saved.append(self.value)


@contextmanager
def acknowledging(
    count: int, patience_s: float
) -> Iterator[tuple[Record, SharedSaves, list[Future[None]], Event]]:
    """Let so many requests be in flight, which are acknowledged once the event is set, each in a thread."""
    record, go = Record(), Event()
    saves = SharedSaves(cast("Any", record), lambda _: patience_s)
    begun = threading.Barrier(count + 1)

    def send() -> None:
        with saves.sending():
            begun.wait(LONG_S)
            go.wait(LONG_S)
            with record.lock:
                record.value += 1
                mine = record.value
                saves.note()
            saves.save()
            assert max(record.saved) >= mine

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(send) for _ in range(count)]
        begun.wait(LONG_S)
        yield record, saves, futures, go
        go.set()


def test_acknowledgements_of_one_moment_are_one_write() -> None:
    """As soon as no other can come, nobody waits any longer."""
    with acknowledging(8, LONG_S) as (record, _, futures, go):
        go.set()
        for one in futures:
            one.result(LONG_S / 2)
    assert record.saved == [8]


def test_an_acknowledgement_waits_for_others_only_so_long() -> None:
    """One request hangs: the acknowledgement of the other is written nevertheless."""
    with acknowledging(1, 0.01) as (record, saves, _, _), saves.sending():
        with record.lock:
            record.value += 1
            saves.note()
        saves.save()
        assert record.saved == [1]


def test_every_thread_hears_that_the_lease_is_lost() -> None:
    """Nobody returns as if its acknowledgement were written."""
    with acknowledging(5, 0.05) as (record, _, futures, go):
        record.lost = True
        go.set()
        assert [type(one.exception(LONG_S / 2)) for one in futures] == [LeaseLost] * 5
    assert record.saved == []


def test_what_was_not_noted_is_not_written() -> None:
    """A save without news is none."""
    record = Record()
    SharedSaves(cast("Any", record)).save()
    assert record.saved == []


@pytest.mark.parametrize(("in_flight", "answered_s", "patience_s"), [(4, 0.5, 0), (5, 0.4, 0.05), (16, 20.0, 0.1)])
def test_only_where_more_than_usual_is_in_flight_is_anything_waited_for(
    in_flight: int, answered_s: float, patience_s: float
) -> None:
    """An eighth of an answer's time, and a tenth of a second at most."""
    one, clock = slots()
    assert one.patience_s(16) == 0
    measured(one, clock, made_s=0.01, answered_s=answered_s)
    assert one.patience_s(in_flight) == pytest.approx(patience_s)


@pytest.mark.parametrize("seed", range(6))
def test_a_crash_while_acknowledgements_wait_costs_what_was_in_flight(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A crash puts as many requests in doubt as there may be slots; every row arrives and is counted."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "100000")
    chance, most = random.Random(seed), 6
    world = make_world(in_flight=2, max_rows=1, most_in_flight=most, can_ask=False)
    world.platform.guard = lambda name: time.sleep(0.02) if name == "users begins" else None
    saves = 0

    def count(name: str, call: Mapping[str, Any]) -> None:
        nonlocal saves
        saves += name == "update_item" and ":progress" in call["ExpressionAttributeValues"]

    world.aws.before.append(count)
    if crashes := seed % 3:
        world.aws.fuse.set(chance.randrange(15, 40))
    body = world.drop(table(people(60)))
    world.run(body)
    if crashes == 2:
        world.redrive()
        world.run()
    receipt = world.check(*people(60))
    assert receipt["resent"] <= most * world.crashes
    assert world.crashes or saves < 50
