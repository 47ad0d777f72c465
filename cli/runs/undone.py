"""Which runs of a list were undone, or undo others: by which run, how far it is, and who asked for it and when.

An undo is a removal that reads the same object as the run that it undoes, and its order names that run. So the
runs that were undone are found without a mark in their own records, which only their workers may write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from activation.ledger.keys import order_key
from activation.ledger.orders import OrderKind, orders_in
from activation.model import Action
from activation.report.undone import Undo

from cli.runs.listing import Wanted, list_runs, read_records
from cli.runs.rows import RunRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MOST_READ = 10_000  # removals since the oldest run of a list


@dataclass(frozen=True)
class Undos:
    """Undos: in `of` the newest of each undone run, by that run's id; in `by` all of them, by their own ids."""

    of: Mapping[str, Undo] = field(default_factory=lambda: MappingProxyType({}))
    by: Mapping[str, Undo] = field(default_factory=lambda: MappingProxyType({}))


def undos_among(client: DynamoDBClient, table: str, rows: Sequence[RunRow]) -> Undos:
    """Return the undos of runs, and those among them.

    Costs a query for the removals since the oldest run that may have been undone, and a read for each hundred
    removals that are in the list or read the object of such a run. Raises what `list_runs` raises.
    """
    removals = {one.run_id: one for one in rows if one.action == Action.REMOVE}
    undoable = [one for one in rows if one.action == Action.ADD and one.rows_acknowledged and one.ended_at]
    if undoable:
        files = {(one.connector, one.file) for one in undoable}
        (only_file, *more) = {file for _, file in files}
        wanted = Wanted(
            action=Action.REMOVE,
            since=min(one.started_at for one in undoable),
            file="" if more else only_file,
        )
        since = list_runs(client, table, wanted, limit=MOST_READ)
        removals |= {one.run_id: one for one in since if (one.connector, one.file) in files}
    keys = {order_key(one.connector, one.run_id): one for one in removals.values()}
    records = read_records(client, table, [*keys])
    found = [
        Undo(row.run_id, order.undoes, row.state, row.code, row.rows_acknowledged, order.by, order.at)
        for key, row in keys.items()
        for order in orders_in(records.get(key, {}))
        if order.kind is OrderKind.UNDO and order.undoes
    ]
    found.sort(key=lambda one: one.at)
    return Undos({one.undoes: one for one in found}, {one.run_id: one for one in found})
