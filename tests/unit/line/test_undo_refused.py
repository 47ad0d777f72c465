"""An undo that came too late is refused, and one that was stopped or runs long goes on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.audiences import KnownAudiences
from activation.ledger.orders import OrderKind
from activation.runs import drop, other_runs
from activation.runs.invocation import Invocation

from tests.unit.line.large_files import Make
from tests.unit.line.mirrors import deliver, mirror_world
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.test_orders import ARN, stopped
from tests.unit.line.undoing import order, retried, run_id_of, stopped_undo, undo, undone
from tests.unit.line.world import people, table


@pytest.mark.parametrize("lost", ["drop", "receipt", "ledger"])
def test_a_run_that_cannot_be_read_any_more_refuses_the_undo(make_world: Make, lost: str) -> None:
    """The operator was told that its people stay, so nobody is removed."""
    world = make_world()
    other, body = world.drop(table(people(3)), file="other.csv"), world.drop(table(people(6)))
    world.run(other, body)
    message = undo(world, body, other)
    if lost == "drop":
        item = json.loads(other)["detail"]["object"]
        world.aws.s3.delete_object(Bucket="drops", Key=item["key"], VersionId=item["version-id"])
    elif lost == "receipt":
        world.aws.s3.delete_object(
            Bucket="receipts", Key=f"receipts/{world.name}/vip/{run_id_of(world, other)}.json"
        )
    else:
        world.aws.dynamodb.items.pop(f"{world.name}#run#{run_id_of(world, other)}")
    receipt = undone(world, message)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "undo_refused")
    assert len(world.platform.cells) == 6


def test_a_run_that_came_after_the_undo_was_begun_refuses_it(make_world: Make) -> None:
    """Nobody knows whom it needs; a new undo does."""
    world = make_world()
    body = world.drop(table(people(6)))
    world.run(body)
    message = undo(world, body)
    late = world.drop(table(people(2)), file="late.csv")
    world.run(late)
    receipt = undone(world, message)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "undo_refused")
    assert "begin it again" in receipt["reason"]["sentence"]
    assert len(world.platform.cells) == 6


@pytest.mark.parametrize("compares", [True, False])
def test_a_run_that_came_while_an_undo_was_stopped_refuses_it(make_world: Make, compares: bool) -> None:
    """However often the undo is retried; a new one leaves the people of that run in, and removes the rest."""
    world = make_world()
    others, body = [world.drop(table(people(2)), file="other.csv")] * compares, world.drop(table(people(30)))
    world.run(*others, body)
    message = undo(world, body, *others)
    removed = stopped_undo(world, message)
    late = world.drop(table(people(30)[25:]), file="late.csv")
    world.run(late)
    held = set(world.platform.cells)
    for _ in range(2):
        receipt = retried(world, message)
        assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "undo_refused")
        sentence = receipt["reason"]["sentence"]
        assert sentence.startswith(f"nothing more is removed, {removed} rows acknowledged before that: ")
        assert sentence.endswith("begin it again")
        assert 0 < removed == receipt["rows"]["acknowledged"]
        assert world.platform.cells == held
    told = json.loads(undo(world, body, *others, late))
    assert undone(world, json.dumps({**told, "again": f"{told['again']} after another"}))["state"] == "applied"
    assert world.platform.cells == {hashed(one) for one in (*people(2 * compares), *people(30)[25:])}


def test_a_mirror_that_came_while_an_undo_was_stopped_refuses_it(make_world: Make) -> None:
    """Its state says that it holds people whom the undo would remove, and would not add them again."""
    world = mirror_world(make_world)
    body = world.drop(table(people(30)))
    world.run(body)
    adopt = KnownAudiences(ConditionalTable(world.aws.dynamodb, "ledger"))
    adopt.adopt(f"account#tiny#{world.name}#audience#vip", ARN)
    deliver(world, people(2))
    message = undo(world, body, mirror=True)
    stopped_undo(world, message)
    mirrored = [*people(2), *people(30)[25:]]
    deliver(world, mirrored)
    assert retried(world, message)["reason"]["code"] == "undo_refused"
    assert {hashed(one) for one in mirrored} <= world.platform.cells


def test_a_compared_run_that_is_continued_while_an_undo_was_stopped_refuses_it(make_world: Make) -> None:
    """It has sent more people than the undo has compared."""
    world = make_world()
    body = world.drop(table(people(30)), file="undone.csv")
    world.run(body)
    other = stopped(world, 30)
    message = undo(world, body, other)
    world.platform.faults.append(Fault(act=lambda: order(world, message, OrderKind.STOP)))
    undone(world, message)
    world.clock.pass_s(60)
    order(world, other, OrderKind.RETRY)
    world.run(world.run_of(other).message)
    assert world.run_of(other).state == "applied"
    assert retried(world, message)["reason"]["code"] == "undo_refused"
    assert {hashed(one) for one in people(30)[25:]} <= world.platform.cells


def test_a_stopped_undo_is_continued_where_nobody_came(make_world: Make) -> None:
    """The comparison still holds, and what was removed is not removed again."""
    world = make_world()
    other, body = world.drop(table(people(2)), file="other.csv"), world.drop(table(people(30)))
    world.run(other, body)
    message = undo(world, body, other)
    stopped_undo(world, message)
    receipt = retried(world, message)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 28)
    assert world.platform.cells == {hashed(one) for one in people(2)}


def test_the_comparison_goes_on_in_another_invocation(make_world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often its time is over, the same people stay."""
    monkeypatch.setattr(other_runs, "PIECE", 2)
    world = make_world()
    others = [world.drop(table(people(12)[at : at + 3]), file=f"{at}.csv") for at in (0, 3, 6)]
    body = world.drop(table(people(12)))
    world.run(*others, body)
    times = iter([False] * 6)
    monkeypatch.setattr(Invocation, "keep_and_may_go_on", lambda _: next(times, True))
    receipt = undone(world, undo(world, body, *others))
    # The four drops have a chunk each, after which the time is over; it is not before the last of six.
    assert receipt["continuations"] == 4
    assert receipt["rows"]["acknowledged"] == 3
    assert world.platform.cells == {hashed(one) for one in people(12)[:9]}


def test_a_drop_without_anybodys_own_identifier_is_compared_across_invocations(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is kept, but how far it was read: the next invocation does not begin it again."""
    monkeypatch.setattr(drop, "identifies_alone", lambda one: one.key == "EMAIL")  # as with a name
    world = make_world()
    world.settings = replace(world.settings, allow_weak=True)
    world.restart()
    other = world.drop(table(people(9)).replace("email", "spare", 1), file="spare.csv")
    body = world.drop(table(people(6)))
    world.run(other, body)
    assert [one["state"] for one in world.receipts()] == ["applied", "applied"]
    times = iter([False] * 20)
    monkeypatch.setattr(Invocation, "keep_and_may_go_on", lambda _: next(times, True))
    receipt = undone(world, undo(world, body, other))
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 6)
    assert receipt["continuations"] == 2  # one after each drop
