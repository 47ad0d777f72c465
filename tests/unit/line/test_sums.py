"""The last check before uploads are closed: a run whose sums differ ends as failed, and nothing is closed.

No course of events is known that leads there, so the records are damaged between two invocations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from activation.aws.table import read_number
from activation.ledger.mirror_run import MirrorPhase
from activation.ledger.progress import Progress
from activation.ledger.runs import RunState
from activation.records import to_json

from tests.unit.line.mirrors import check_holds, deliver, mirror_world, state_of
from tests.unit.line.world import World, people, table

Make = Callable[..., World]
Record = dict[str, Any]
ONE_CALL_S = 80.15  # what an invocation has that is to end after its first upload


@dataclass
class Damage:
    """Changes records of a world's ledger, each once, as soon as no worker holds them.

    `kind` is "run" or "part". `when` says whether a record's progress is the one to change, `changes` are the
    changes of the first such record, the second and so on. `done` counts them.
    """

    world: World
    kind: str
    when: Callable[[Record], bool]
    changes: tuple[Callable[[Record], None], ...]
    done: int = 0
    _keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.world.aws.after.append(self._watch)

    def _watch(self, operation: str, call: Mapping[str, Any]) -> None:
        key = call["Key"]["pk"]["S"] if operation == "update_item" else ""
        if not key.startswith(f"{self.world.name}#{self.kind}#") or key in self._keys:
            return
        item = self.world.aws.dynamodb.items[key]
        progress = json.loads(to_json(Progress.from_json(item["progress"]["S"])))  # also what has its default
        if self.done < len(self.changes) and not read_number(item, "lease_until") and self.when(progress):
            self.changes[self.done](progress)
            item["progress"] = {"S": json.dumps(progress)}
            self.done += 1
            self._keys += (key,)


def acknowledge(rows: int) -> Callable[[Record], None]:
    """Return what counts more rows as acknowledged than were, or with `rows` below 0 fewer."""

    def change(progress: Record) -> None:
        progress["tally"]["acknowledged"] += rows

    return change


def has_begun(progress: Record) -> bool:
    """Return whether some rows are acknowledged."""
    return bool(progress["tally"]["acknowledged"])


def is_in(phase: MirrorPhase) -> Callable[[Record], bool]:
    """Return whether a mirror has sent some of a phase, and not all."""
    return lambda progress: progress["mirror"]["phase"] == phase and has_begun(progress)


def check_failed(world: World, receipt: Record, sentence: str) -> None:
    """Assert that the run failed for its sums, and was not closed."""
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, "sums_differ")
    assert sentence in receipt["reason"]["sentence"]
    assert [one["DetailType"] for one in world.events][-1] == "Activation Failed"
    assert world.dead_codes() == ["sums_differ"]


@pytest.mark.parametrize("off", [-1, 1])
def test_a_run_that_counts_other_rows_than_it_read_is_not_closed(make_world: Make, off: int) -> None:
    """One row too few or too many, and the run has failed; without the damage the same run is applied."""
    world = make_world(handles=True)
    world.budget_s = ONE_CALL_S
    damage = Damage(world, "run", has_begun, (acknowledge(off),))
    world.run(world.drop(table(people(6))))
    assert damage.done == 1
    check_failed(world, world.receipt(), f"6 rows were read and {6 + off} are accounted for")
    assert world.platform.calls["close"] == 0
    world = make_world(handles=True)
    world.budget_s = ONE_CALL_S
    world.run(world.drop(table(people(6))))
    world.check(*people(6))
    assert world.platform.calls["close"] == 1


@pytest.mark.parametrize("changes", [(1, -1), (-1, 1)])
def test_parts_whose_mistakes_cancel_out_are_not_closed(make_world: Make, changes: tuple[int, int]) -> None:
    """One part counts a row too many and another one too few: the run's sums agree, those of the parts do not."""
    world = make_world(handles=True)
    world.settings = replace(world.settings, split_above_bytes=200, max_parts=4)
    world.restart()
    world.budget_s = ONE_CALL_S
    damage = Damage(world, "part", has_begun, tuple(map(acknowledge, changes)))
    world.run(world.drop(table(people(40))))
    assert damage.done == 2
    receipt = world.receipt()
    assert receipt["state"] == RunState.FAILED
    assert receipt["reason"]["code"] == "sums_differ"
    assert receipt["reason"]["sentence"].startswith("part ")
    assert world.platform.calls["close"] == 0


@pytest.mark.parametrize("off", [-1, 1])
def test_a_mirror_that_replaces_counts_its_rows_before_the_audience_is_replaced(
    make_world: Make, off: int
) -> None:
    """The audience holds whom it held; nothing is committed."""
    world = mirror_world(make_world, replaces=True)
    deliver(world, people(6))
    sizes = state_of(world).sizes
    world.budget_s = ONE_CALL_S
    damage = Damage(world, "run", is_in(MirrorPhase.REPLACE), (acknowledge(off),))
    receipt = deliver(world, people(6, start=2))
    assert damage.done == 1
    check_failed(world, receipt, f"6 rows were compared and {6 + off} are accounted for")
    check_holds(world, people(6))
    assert state_of(world).sizes == sizes


@pytest.mark.parametrize("off", [-1, 1])
def test_a_mirror_that_adds_counts_its_lines_before_it_is_committed(make_world: Make, off: int) -> None:
    """Where it sends fewer lines than its files have, the audience is not said to hold the drop."""
    world = mirror_world(make_world)
    deliver(world, people(2))
    world.budget_s = ONE_CALL_S

    def find_others(progress: Record) -> None:
        adds = json.loads(progress["mirror"]["adds"])
        progress["mirror"]["adds"] = json.dumps(adds | {"lines": adds["lines"] + off})

    damage = Damage(world, "run", is_in(MirrorPhase.ADD), (find_others,))
    receipt = deliver(world, people(9))
    assert damage.done == 1
    check_failed(world, receipt, "7 lines to send were compared and 6 are accounted for")
    assert state_of(world).rows == 2


@pytest.mark.parametrize("off", [-1, 1])
def test_a_mirror_that_removes_counts_its_lines_before_anybody_is_added(make_world: Make, off: int) -> None:
    """Where it sends fewer lines than its files have, somebody who left is not taken to be gone."""
    world = mirror_world(make_world)
    deliver(world, people(20))
    world.budget_s = ONE_CALL_S

    def find_others(progress: Record) -> None:
        removes = json.loads(progress["mirror"]["removes"])
        progress["mirror"]["removes"] = json.dumps(removes | {"lines": removes["lines"] + off})

    damage = Damage(world, "run", is_in(MirrorPhase.REMOVE), (find_others,))
    receipt = deliver(world, people(15, start=6))
    assert damage.done == 1
    check_failed(world, receipt, f"5 lines to send were compared and {4 if off < 0 else 3} are accounted for")
    assert state_of(world).rows == 20
