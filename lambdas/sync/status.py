"""The status that a table of configurations shows: written back at the end of each run, in the slots' order.

A message may come twice, and that of an older slot after a newer one's. So each change names its slot, and does
nothing to a row that a newer one has changed already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Protocol

from activation.errors import ActivationError
from activation.ledger.runs import STOPPED, Run, RunState

from lambdas.sync.configurations import TIMEOUT_S, ConfigurationTables, RowProblem
from lambdas.sync.declaration import Declaration, Declarations, TableDeclaration, TableRow
from lambdas.sync.due import following_slot, slot_time
from lambdas.sync.extract.column_forms import quoted
from lambdas.sync.extract.postgres_session import session

# The ends after which a receipt says how many people the audience holds.
_HOLDING = (RunState.APPLIED, RunState.EMPTY)
# Of the slot $2, whose successor is $3. A `next_sync` that somebody has set since the slot, to a time that has
# come, asks for a run that is still to begin, and stays. A slot is named to the second, so fractions do not count.
_ENDED = """
update {table} set
  last_sync = $2::text::timestamptz,
  next_sync = case
    when date_trunc('second', next_sync) > $2::text::timestamptz and next_sync <= now() then next_sync
    else $3::text::timestamptz end,
  total_customers = coalesce(nullif($4::text, '')::int8, total_customers),
  custom_audience_id = coalesce(nullif($5::text, ''), custom_audience_id),
  sync_status = $6::text, error_log = nullif($7::text, ''), updated_at = now()
where system_name = $1::text and (last_sync is null or last_sync <= $2::text::timestamptz)
"""
# Before the end: `last_sync` stays, and the end of the same slot, which may be written first, is not replaced.
_UNDER_WAY = """
update {table} set sync_status = $3::text, error_log = nullif($4::text, ''), updated_at = now()
where system_name = $1::text and (last_sync is null or last_sync < $2::text::timestamptz)
"""
_WRONG = """
update {table} set sync_status = 'failed', error_log = $2::text, updated_at = now()
where system_name = $1::text and (error_log is distinct from $2::text or sync_status is distinct from 'failed')
"""


class EndedRun(Protocol):
    """A run that has ended or waits for a person: its declaration, slot, state and receipt."""

    @property
    def declaration(self) -> str:
        """The declaration's name."""

    @property
    def slot(self) -> str:
        """The slot's name."""

    @property
    def state(self) -> RunState:
        """The run's state."""

    @property
    def receipt(self) -> Mapping[str, Any]:
        """The whole receipt."""


@dataclass(frozen=True)
class _End:
    """What a slot has come to: how many are held and the audience's id ("" if unchanged), state and error."""

    slot: str
    state: RunState
    error: str
    held: str = ""
    audience_id: str = ""


@dataclass(frozen=True)
class Statuses:
    """Writes the status of rows; runs and slots of declarations of the file are none of its concern.

    `stored` returns the declarations in force.
    """

    tables: ConfigurationTables
    stored: Callable[[], Declarations]
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def ended(self, ended: EndedRun) -> None:
        """Write what the end of a run came to; raises Retryable (the row is locked, the database is down)."""
        declared = self._find(ended.declaration)
        if declared is None or declared.row is None:
            return
        receipt = ended.receipt
        held = str(_held(receipt)) if ended.state in _HOLDING else ""
        audience_id = (receipt.get("audience") or {}).get("id") or ""
        reason = receipt.get("reason") or {}
        error = f"{reason['code']}: {reason['sentence']}" if reason else ""
        self._write_end(declared, declared.row, _End(ended.slot, ended.state, error, held, str(audience_id)))

    def noted(self, declaration: Declaration, slot: str, run: Run) -> None:
        """Write how a slot's extraction was left. What cannot be written now is left to the run's end.

        A database that is down cannot be told that it is, and the slot goes on all the same.
        """
        row = declaration.row
        if row is None:
            return
        try:
            error = f"{run.code}: {run.sentence}" if run.code else ""
            if run.state in STOPPED:
                self._write_end(declaration, row, _End(slot, run.state, error))
            elif run.state is not RunState.SUPERSEDED:
                # Extracted is not yet sent.
                state = RunState.RUNNING if run.state is RunState.APPLIED else run.state
                at = slot_time(slot).isoformat()
                self._execute(row.table, _UNDER_WAY, [row.system_name, at, str(state), error])
        except ActivationError:
            return

    def wrong(self, problems: Sequence[RowProblem]) -> None:
        """Write why rows declare nothing; what cannot be written now is tried again at the next tick."""
        for table, of_table in groupby(problems, key=lambda one: one.table):
            try:
                for one in of_table:
                    self._execute(table, _WRONG, [one.system_name, f"{one.error.code}: {one.error.sentence}"])
            except ActivationError:
                continue

    def _write_end(self, declared: Declaration, row: TableRow, end: _End) -> None:
        at = slot_time(end.slot).isoformat()
        following = following_slot(replace(declared, asked_for=None), self.clock(), end.slot).at.isoformat()
        values = [row.system_name, at, following, end.held, end.audience_id, str(end.state), end.error]
        self._execute(row.table, _ENDED, values)

    def _execute(self, table: TableDeclaration, statement: str, values: Sequence[str]) -> None:
        access, secret = self.tables.postgres(table.source)
        name = ".".join(quoted(part) for part in table.table.split("."))
        with session(access, secret, timeout_s=TIMEOUT_S, writes=True) as opened:
            opened.execute(statement.format(table=name), values)
            opened.commit()

    def _find(self, name: str) -> Declaration | None:
        """Return the declaration of a row, None for one of the file; raises what reading the tables raises."""
        stored = self.stored()
        by_name = {one.name: one for one in stored.audiences}
        if name in by_name:
            return None
        for table in stored.tables:
            if not name.startswith(f"{table.source}:"):
                continue
            found, _ = self.tables.read(table, by_name[table.like])
            for one in found:
                if one.declaration.name == name:
                    return one.declaration
        return None


def _held(receipt: Mapping[str, Any]) -> int:
    """Return how many people the audience holds by a receipt: those unchanged and those acknowledged."""
    rows = receipt.get("rows") or {}
    return int(rows.get("unchanged") or 0) + int(rows.get("acknowledged") or 0)
