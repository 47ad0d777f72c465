"""Which runs of a list were undone, or undo others: by which run, how far it is, and who asked for it and when.

An undo is a removal that reads the same object as the run that it undoes, and its order names that run. So the
runs that were undone are found without a mark in their own records, which only their workers may write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from activation.ledger.keys import order_key
from activation.ledger.orders import OrderKind, orders_in
from activation.model import Action
from activation.report.verdict import state_word

from cli.printable import counted
from cli.runs.listing import Wanted, list_runs, read_records
from cli.runs.rows import OPEN, RunRow
from cli.runs.shown import utc

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MOST_READ = 10_000  # removals since the oldest run of a list


@dataclass(frozen=True)
class Undo:
    """The run `run_id`, which undoes the run `undoes`.

    `state` and `code` are its own, and `rows` is how many rows it has removed so far. `by` is who asked for it, as
    AWS names them, and `at` when, in Unix seconds.
    """

    run_id: str
    undoes: str
    state: str
    code: str
    rows: int
    by: str
    at: float

    @property
    def of_undone(self) -> str:
        """Return what became of the run that it undoes, without a full stop."""
        rows = counted(self.rows, "row")
        if self.state in OPEN:
            said = f"is being undone by run {self.run_id}, {rows} removed so far"
        elif self.state == "applied":
            said = f"undone by run {self.run_id}, {rows} removed"
        elif self.state == "empty":
            said = f"undone by run {self.run_id}, which had nobody to remove"
        else:
            word = state_word(self.state, self.code)
            code = f" ({self.code})" if self.code not in ("", word) else ""
            said = f"its undo, run {self.run_id}, is {word}{code}, {rows} removed"
        return f"{said}; {self.asked}"

    @property
    def word(self) -> str:
        """Return what became of the run that it undoes, in a word or two."""
        if self.state in OPEN:
            return "being undone"
        return "undone" if self.state in ("applied", "empty") else f"undo {self.state}"

    @property
    def of_undo(self) -> str:
        """Return what the run itself does, without a full stop."""
        return f"undoes run {self.undoes}; {self.asked}"

    @property
    def asked(self) -> str:
        """Return who has asked for it, and when."""
        return f"asked for by {self.by}, {utc(self.at)} UTC"

    @property
    def data(self) -> dict[str, Any]:
        """Return it for programs, beside the run that it undoes."""
        return {
            "run_id": self.run_id,
            "state": self.state,
            "code": self.code,
            "rows_removed": self.rows,
            "by": self.by,
            "at": f"{utc(self.at).replace(' ', 'T')}+00:00",
            "sentence": self.of_undone,
        }


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
