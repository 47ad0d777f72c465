"""A run that somebody stops, continues or discards: nothing of it is lost, counted twice or left behind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from activation.aws.table import ConditionalTable, ConditionFailed
from activation.ledger.audiences import KnownAudiences
from activation.ledger.orders import Order, OrderKind, Orders
from activation.ledger.runs import RunState
from activation.report.verdict import not_sent, state_of, verdict

from tests.unit.line.large_files import Make, parts_of
from tests.unit.line.mirrors import deliver, mirror_world
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import World, people, table

ARN = "arn:aws:iam::123456789012:user/ops"


def order(world: World, body: str, kind: OrderKind) -> None:
    """Give an order to the run of a message, as an operator does; it is seen once some time has passed."""
    run_id = world.run_of(body).pk.rpartition("#")[2]
    Orders(ConditionalTable(world.aws.dynamodb, "ledger"), world.name, world.clock).note(run_id, kind, ARN)
    world.clock.pass_s(3)


def stop_after(world: World, body: str, calls: int) -> None:
    """Have the run stopped while its request after so many is on its way."""
    world.platform.faults.append(Fault(skip=calls, act=lambda: order(world, body, OrderKind.STOP)))


def stopped(world: World, rows: int) -> str:
    """Run a drop of so many people that is stopped at the half; return its message."""
    body = world.drop(table(people(rows)))
    stop_after(world, body, rows // 2 // world.limits.max_rows)
    world.run(body)
    return body


@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_run_is_stopped_at_the_half_and_continues(make_world: Make, in_flight: int) -> None:
    """What was in flight is acknowledged and accounted for, and a retry sends the rest and nothing twice."""
    world = make_world(in_flight=in_flight)
    rows = 30 * in_flight
    body = stopped(world, rows)
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "stopped")
    assert f"stopped by {ARN} at 2" in receipt["reason"]["sentence"]
    acknowledged = receipt["rows"]["acknowledged"]
    assert f"{rows - acknowledged} were not sent; `activation run retry" in receipt["reason"]["sentence"]
    assert (state_of(receipt), not_sent(receipt)) == ("stopped", rows - acknowledged)
    assert f"{rows - acknowledged} were not sent." in verdict(receipt)
    assert rows // 2 <= acknowledged < rows
    assert receipt["rows"]["read"] == acknowledged == len(world.platform.members)
    assert [(one["kind"], one["by"]) for one in receipt["orders"]] == [("stop", ARN)]
    assert world.dead_codes() == []
    order(world, body, OrderKind.RETRY)
    world.run(world.run_of(body).message)
    receipt = world.check(*people(rows))
    assert receipt["rows"]["acknowledged"] == rows
    assert "rows_held" not in receipt
    assert [one["kind"] for one in receipt["orders"]] == ["stop", "retry"]
    assert world.run_of(body).message == ""


def test_nobody_is_mailed_about_a_run_that_somebody_has_stopped(make_world: Make) -> None:
    """Listeners are told of its end, without the notice that is mailed; a run that fails by itself has one."""
    world = make_world()
    stopped(world, 30)
    world.run(world.drop("colour\nred\n", audience="other", file="b.csv"))
    told = {one["Detail"]["reason"]["code"]: one for one in world.events}
    assert {one["DetailType"] for one in told.values()} == {"Activation Failed"}
    assert "notice" not in told["stopped"]["Detail"]
    assert "no_usable_column" in told["no_usable_column"]["Detail"]["notice"]["why"]


def test_a_stopped_run_stays_stopped_until_a_person_continues_it(make_world: Make) -> None:
    """Neither its own old messages nor a replay of the day sends anything, and its audience is free for others."""
    world = make_world()
    body = stopped(world, 30)
    held = len(world.platform.members)
    world.clock.pass_s(7_200)
    world.run(body, body.replace('"source"', '"replay-name": "r", "source"'))
    assert len(world.platform.members) == held
    world.run(world.drop(table(people(3)), file="other.csv"))
    assert sorted(one["state"] for one in world.receipts()) == ["applied", "failed"]


def test_the_parts_of_a_large_run_stop_with_it(make_large: Make) -> None:
    """No part goes on, the receipt sums what all of them have sent, and a retry sends the rest."""
    world = make_large()
    body = world.drop(table(people(60)))
    stop_after(world, body, 8)
    world.run(body)
    receipt = world.receipt()
    assert parts_of(world)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "stopped")
    assert 0 < receipt["rows"]["acknowledged"] == len(world.platform.members) < 60
    assert world.dead_codes() == []
    order(world, body, OrderKind.RETRY)
    world.run(world.run_of(body).message)
    world.check(*people(60))


def test_a_waiting_run_is_discarded(make_world: Make) -> None:
    """Its own message ends it at once, the one that is still queued does nothing, and the lock is free."""
    world = make_world()
    world.platform.faults = [Fault(skip=1, times=100, status=429, headers={"retry-after": "800"})]
    body = world.drop(table(people(9)))
    world.send(body)
    world.handle(world.queue.pop().body)
    run = world.run_of(body)
    assert run.state is RunState.WAITING
    order(world, body, OrderKind.DISCARD)
    world.run(run.message)
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "discarded")
    assert receipt["reason"]["sentence"].startswith(f"discarded by {ARN} at 2")
    assert receipt["reason"]["sentence"].endswith("; 3 rows acknowledged before that, 6 were not sent")
    assert len(world.platform.members) == 3
    assert world.dead_codes() == []
    world.platform.faults = []
    world.run(world.drop(table(people(3)), file="other.csv"))
    assert sorted(one["state"] for one in world.receipts()) == ["applied", "failed"]


def test_a_blocked_run_is_discarded(make_world: Make) -> None:
    """Its dead letter brings it back only to end, and leaves no other."""
    world = make_world()
    world.platform.tokens = set()
    body = world.drop(table(people(9)))
    world.run(body)
    assert world.receipt()["state"] == "blocked"
    order(world, body, OrderKind.DISCARD)
    world.redrive()
    world.run()
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "discarded")
    assert (receipt["rows"]["acknowledged"], world.dead_codes()) == (0, [])


def test_a_run_whose_drop_was_wrong_is_discarded(make_world: Make) -> None:
    """Its record's message ends it, and neither a replay nor a redrive of its code sends its drop again."""
    world = make_world()
    body = world.drop("shoe size,colour\n42,red\n")
    world.run(body)
    assert world.wrong_codes() == ["no_usable_column"]
    order(world, body, OrderKind.DISCARD)
    world.run(world.run_of(body).message)
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "discarded")
    world.run(json.dumps({**json.loads(body), "replay-name": "missed"}))
    assert (world.receipt(), world.wrong_codes(), world.dead_codes()) == (receipt, [], [])


def test_a_stop_comes_too_late_for_what_is_accepted(make_world: Make) -> None:
    """A run that the platform has as a whole ends as the platform says."""
    world = make_world(handles=True)
    world.platform.follow_says = [{"pending": True}]
    body = world.drop(table(people(6)))
    world.platform.faults.append(Fault("close", act=lambda: order(world, body, OrderKind.STOP)))
    world.run(body)
    assert world.receipt()["state"] == "applied"


def test_of_two_people_at_once_one_is_refused(make_world: Make) -> None:
    """An order that was given on what has changed meanwhile is not kept."""
    world = make_world()
    orders = Orders(ConditionalTable(world.aws.dynamodb, "ledger"), world.name, world.clock)
    orders.note("r", OrderKind.STOP, ARN)

    class Late:
        def read(self, pk: str) -> None:
            return None

        def __getattr__(self, name: str) -> object:
            return getattr(orders.table, name)

    with pytest.raises(ConditionFailed):
        Orders(Late(), world.name, world.clock).note("r", OrderKind.RETRY, ARN)  # type: ignore[arg-type]  # a table that answers late
    assert orders.of("r") == (Order(OrderKind.STOP, ARN, world.clock()),)


def undo(world: World, body: str) -> str:
    """Return the message by which the run of another one is undone."""
    run_id = world.run_of(body).pk.rpartition("#")[2]
    return json.dumps({**json.loads(body), "again": f"undo {run_id}", "undo": run_id})


def undone(world: World, body: str) -> dict[str, Any]:
    """Undo the run of a message, and return the receipt of the undo."""
    world.run(undo(world, body))
    (receipt,) = [one for one in world.receipts() if "undoes" in one]
    return receipt


def test_a_run_is_undone(make_world: Make) -> None:
    """The people that it sent are removed by a run of its own, rows that were refused are refused again."""
    world = make_world()
    others = world.drop(table(["z@example.com"]), file="others.csv")
    body = world.drop(table([*people(9), "nobody"]))
    world.run(others, body)
    receipt = undone(world, body)
    assert (receipt["state"], receipt["action"]) == ("applied", "remove")
    assert receipt["undoes"] == world.run_of(body).pk.rpartition("#")[2]
    assert (receipt["rows"]["acknowledged"], receipt["rows"]["rejected_by_us"]) == (9, 1)
    assert world.platform.cells == {hashed("z@example.com")}
    world.run(undo(world, body))
    assert len(world.receipts()) == 3


def test_the_undo_of_a_stopped_run_ends_where_that_was_stopped(make_world: Make) -> None:
    """Whom the run did not send is not removed: somebody else may have."""
    world = make_world()
    world.run(world.drop(table(people(30)[20:]), file="others.csv"))
    body = stopped(world, 30)
    sent = world.run_of(body).progress.checkpoint.cursor.row
    receipt = undone(world, body)
    assert 0 < sent < 30
    assert (receipt["state"], receipt["rows"]["in"], receipt["rows"]["acknowledged"]) == ("applied", sent, sent)
    assert world.platform.cells == {hashed(one) for one in people(30)[max(sent, 20) :]}


def test_an_undo_of_a_removal_removes_nobody(make_world: Make) -> None:
    """Only what was added can be taken out again."""
    world = make_world()
    world.run(world.drop(table(people(6))))
    body = world.event(world.put(table(people(3)), f"{world.name}/vip/raw/remove/gone.csv"))
    world.run(body)
    receipt = undone(world, body)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "undo_refused")
    assert "only a run that added people" in receipt["reason"]["sentence"]
    assert world.platform.cells == {hashed(one) for one in people(6)[3:]}


def test_a_run_that_waits_is_not_undone(make_world: Make) -> None:
    """It has to be stopped first; its undo has failed by then, and has removed nobody."""
    world = make_world()
    body = world.drop(table(people(9)))
    world.platform.faults = [Fault(skip=1, status=429, headers={"retry-after": "800"})]
    world.handle(body)
    world.aws.dynamodb.items.pop(f"account#tiny#{world.name}#audience#vip")  # its lock has run out
    world.handle(undo(world, body))
    receipt = undone(world, body)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "undo_refused")
    assert "stop it first" in receipt["reason"]["sentence"]


def test_what_a_mirror_fills_is_not_undone(make_world: Make) -> None:
    """The mirror's next drop decides who is in the audience."""
    world = mirror_world(make_world, replaces=True)
    body = world.drop(table(people(3)))
    world.run(body)
    adopt = KnownAudiences(ConditionalTable(world.aws.dynamodb, "ledger"))
    adopt.adopt(f"account#tiny#{world.name}#audience#vip", ARN)
    deliver(world, people(5))
    receipt = undone(world, body)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "undo_refused")
    assert "a mirror fills the audience" in receipt["reason"]["sentence"]
