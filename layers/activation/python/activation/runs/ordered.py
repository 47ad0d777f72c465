"""Watches, between batches, whether somebody has asked for the run to end."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from activation.errors import ActivationError, Rejected
from activation.ledger.orders import DISCARDED, ENDS, Order, OrderKind, Orders

LOOK_EVERY_S = 2.0


@dataclass
class OrderWatch:
    """What a run was asked to do, looked up every two seconds at most while it works.

    `orders` are those of the connector and `clock` returns Unix seconds. `given` are the run's as last seen, the
    newest last.
    """

    orders: Orders
    run_id: str
    clock: Callable[[], float]
    given: tuple[Order, ...] = ()
    _looked_at: float = field(default=-math.inf, repr=False)

    def look(self) -> Order | None:
        """Return the order by which the run is to end, None for none; raises what reading the ledger raises."""
        self._looked_at = self.clock()
        self.given = self.orders.of(self.run_id)
        return self.ending

    def looked(self) -> None:
        """Note that it was just found out that the run was asked nothing."""
        self._looked_at = self.clock()

    def newest(self) -> Order | None:
        """Return what `look` does, without looking where that was done a moment ago."""
        return self.ending if self.clock() - self._looked_at < LOOK_EVERY_S else self.look()

    @property
    def ending(self) -> Order | None:
        """Return the order by which the run is to end, as last seen."""
        return self.given[-1] if self.given and self.given[-1].kind in ENDS else None

    def time_left_s(self, left_s: float) -> float:
        """Return how many of the seconds left may be used: none once the run is to end.

        A look that fails is repeated by the next one: it must not end a run that nobody has asked to end.
        """
        if self.ending is None and self.clock() - self._looked_at >= LOOK_EVERY_S:
            with suppress(ActivationError):
                self.look()
        return left_s if self.ending is None else 0.0


def rows_left(acknowledged: int, left: int | None) -> str:
    """Return what was sent of a drop and what not: `left` are rows without an outcome, None if not counted."""
    sent = f"{acknowledged:,} row{'s' * (acknowledged != 1)} acknowledged before that"
    not_sent = "the rest of the file was" if left is None else f"{left:,} {'was' if left == 1 else 'were'}"
    return f"{sent}, {not_sent} not sent"


def ended_by(order: Order, run_id: str, done: str) -> Rejected:
    """Return why a run has ended that somebody has asked to end; `done` is what it had done by then."""
    at = datetime.fromtimestamp(order.at, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    told = f"by {order.by} at {at} UTC; {done}"
    if order.kind is OrderKind.DISCARD:
        return Rejected(DISCARDED, f"discarded {told}")
    return Rejected("stopped", f"stopped {told}; `activation run retry {run_id}` continues")
