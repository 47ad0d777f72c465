"""Orders: what people have asked of a run, by whom and when, in a record beside the run's own.

A worker reads the record between batches. It is not the run's own, which only the holder of its lease may write.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from activation.aws.table import ConditionalTable, Item, read_text
from activation.ledger.keys import order_key
from activation.records import from_json, to_json

KEPT_S = 400 * 86_400  # as long as a run's own record by default
MOST_KEPT = 20  # so that the record and the receipt stay small


class OrderKind(StrEnum):
    """What is asked of a run."""

    STOP = "stop"  # send nothing more; what was acknowledged stays
    DISCARD = "discard"  # end a run that waits, is blocked or has failed
    RETRY = "retry"  # continue a run that has stopped
    UNDO = "undo"  # undo another run, which the order names


ENDS = frozenset({OrderKind.STOP, OrderKind.DISCARD})
DISCARDED = "discarded"  # the code of a run that nothing continues
ORDERED = frozenset({"stopped", DISCARDED})  # codes of a run that somebody has ended


@dataclass(frozen=True)
class Order:
    """One order: `by` is who gave it, as AWS names them, `at` when, in Unix seconds.

    `undoes` is the id of the run that an undo undoes, "" for any other order.
    """

    kind: OrderKind
    by: str
    at: float
    undoes: str = ""


@dataclass(frozen=True)
class Orders:
    """The orders to a connector's runs, in the ledger's `table`; `clock` returns Unix seconds."""

    table: ConditionalTable
    connector: str
    clock: Callable[[], float] = time.time

    def note(self, run_id: str, kind: OrderKind, by: str, undoes: str = "") -> None:
        """Give a run an order, which replaces any earlier one; the arguments are those of an Order.

        Raises ConditionFailed if somebody else gives one at the same time, and what the table raises.
        """
        key, now = order_key(self.connector, run_id), self.clock()
        item = self.table.read(key) or {}
        before = read_text(item, "orders")
        orders = [*_read(before), Order(kind, by, now, undoes)][-MOST_KEPT:]
        self.table.update(
            key,
            "SET orders = :orders, expires_at = :expires",
            {
                ":orders": {"S": to_json(orders)},
                ":before": {"S": before},
                ":expires": {"N": str(int(now + KEPT_S))},
            },
            condition="attribute_not_exists(orders) OR orders = :before",
        )

    def of(self, run_id: str) -> tuple[Order, ...]:
        """Return the orders to a run, the newest last; raises what the table raises."""
        return orders_in(self.table.read(order_key(self.connector, run_id)) or {})


def orders_in(record: Item) -> tuple[Order, ...]:
    """Return the orders that a record of them has, the newest last; none for an empty one."""
    return _read(read_text(record, "orders"))


def _read(text: str) -> tuple[Order, ...]:
    return from_json(text, tuple[Order, ...]) if text else ()
