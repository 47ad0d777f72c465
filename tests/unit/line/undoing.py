"""Undoing a run in a world: the message, the receipt, and orders that come meanwhile."""

from __future__ import annotations

import json
from typing import Any

from activation.aws.table import ConditionalTable
from activation.drops.messages import read
from activation.ledger.audiences import KnownAudiences
from activation.ledger.orders import OrderKind, Orders

from tests.unit.line.platform import Fault
from tests.unit.line.test_orders import ARN
from tests.unit.line.world import ACCOUNT, World, table


def run_id_of(world: World, body: str) -> str:
    """Return the id of the run that a message began."""
    return world.run_of(body).pk.rpartition("#")[2]


def undo(world: World, body: str, *others: str, mirror: bool = False) -> str:
    """Return the message by which a run is undone, which leaves out whom the runs of other messages have sent."""
    run_id, lock = run_id_of(world, body), f"account#tiny#{world.name}#audience#vip"
    last = KnownAudiences(ConditionalTable(world.aws.dynamodb, "ledger")).last_write(lock)
    told = {
        "runs": [run_id_of(world, one) for one in others],
        "mirror": mirror,
        "last_run": last.run_id,
        "last_written_at": last.at,
    }
    return json.dumps({**json.loads(body), "again": f"undo {run_id}", "undo": run_id, "others": told})


def undone(world: World, message: str) -> dict[str, Any]:
    """Undo a run, and return the receipt of the undo."""
    before = {one["run_id"] for one in world.receipts()}
    world.run(message)
    (receipt,) = [one for one in world.receipts() if one["run_id"] not in before]
    return receipt


def id_of(world: World, message: str) -> str:
    """Return the id of the run that a message begins, which need not have begun."""
    return read(message, origins=world.settings.origins, account=ACCOUNT).run_id(world.name)


def order(world: World, message: str, kind: OrderKind) -> None:
    """Give an order to the run of a message, which need not have begun."""
    orders = Orders(ConditionalTable(world.aws.dynamodb, "ledger"), world.name, world.clock)
    undoes = str(json.loads(message).get("undo", "")) if kind is OrderKind.UNDO else ""
    orders.note(id_of(world, message), kind, ARN, undoes)
    world.clock.pass_s(3)


def stopped_undo(world: World, message: str) -> int:
    """Undo a run until a stop in the midst of it; return how many rows were removed."""
    world.platform.faults.append(Fault(skip=3, act=lambda: order(world, message, OrderKind.STOP)))
    receipt = undone(world, message)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "stopped")
    world.clock.pass_s(60)
    return int(receipt["rows"]["acknowledged"])


def retried(world: World, message: str) -> dict[str, Any]:
    """Continue an undo that has stopped, as `activation run retry` does, and return its receipt."""
    order(world, message, OrderKind.RETRY)
    run = world.ledger().read(id_of(world, message))
    assert run is not None
    world.run(run.message)
    (receipt,) = [one for one in world.receipts() if one["run_id"] == id_of(world, message)]
    return receipt


def removal(world: World, rows: list[str], file: str = "gone.csv") -> str:
    """Put a drop that removes people, and return its message."""
    return world.event(world.put(table(rows), f"{world.name}/vip/raw/remove/{file}"))
