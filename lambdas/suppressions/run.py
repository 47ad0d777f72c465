"""The run of a suppression drop: read as a whole, then put on its list, or taken off it, in one step.

Nothing of the list changes before the last row was read, and the record in the ledger then names all of the change
or none of it. A run that dies begins again, and one that died after the change finds its name in the record. The
receipt, which accounts for every row, is written once every connector asks the changed list: see current.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from activation.drops.chunk import DropReader
from activation.errors import ConfigError, Rejected
from activation.ledger.runs import STOPPED, RunState
from activation.ledger.suppression_lists import SuppressionList, SuppressionRecord
from activation.model import Action, Cursor
from activation.pipeline.findings import row_reasons
from activation.runs.advance import leave
from activation.runs.closing import ClosesNothing, close_folder
from activation.runs.deadline import begin_again
from activation.runs.effects import RunEffects
from activation.runs.invocation import Invocation
from activation.runs.opening import open_run
from activation.runs.ordered import ended_by
from activation.runs.relist import list_again
from activation.runs.states import Next, StateMachine, Step
from activation.suppression.current import ACCEPTED_AFTER_S
from activation.suppression.listed import Listed
from activation.suppression.store import ListStore

from lambdas.suppressions.change import Changed, ListChange
from lambdas.suppressions.list_drop import ListDrop, names_nobody, refuse_hashed, refuse_made_for, too_many
from lambdas.suppressions.settings import ListSettings

UNCHANGED = "the list was not changed"


@dataclass(frozen=True)
class ListRun:
    """A claimed run of a suppression drop. `invocation` is what holds it, `machine` its states."""

    invocation: Invocation
    machine: StateMachine
    settings: ListSettings

    def work(self) -> Next:
        """Read the drop and change its list; raises what stops the run, and then the list is as it was."""
        run, invocation = self.invocation.held.run, self.invocation
        invocation.orders.newest()
        if step := self._ordered():
            return step
        if run.state in STOPPED:
            list_again(invocation)
            begin_again(run, self.machine.clock())
            run.state = RunState.RUNNING
        if step := self.machine.overdue() or self.machine.early():
            return step
        run.state, run.code, run.sentence = RunState.RUNNING, "", ""
        refuse_hashed(invocation.located.kind)
        try:
            close_folder(invocation)
            return self._change()
        except ClosesNothing:
            return self.machine.done(RunState.EMPTY, {})
        except Rejected as error:
            if error.code != "empty_file":
                raise
            return self.machine.done(RunState.EMPTY, {})

    def leave(self, step: Next) -> RunState:
        """Take the step, unless somebody has asked for the run to end where it would go on."""
        if step.step in (Step.WAIT, Step.CONTINUE):
            step = self._ordered() or step
        return leave(self.invocation, step, RunEffects(self.invocation, all_letters=True))

    def _ordered(self) -> Next | None:
        """Return the step of a run that somebody ends, None if nobody does or the list is changed already."""
        invocation, order = self.invocation, self.invocation.orders.ending
        if order is None:
            return None
        lists = SuppressionRecord(invocation.connector.clients.table).read().lists
        run_id, own = invocation.identity.run_id, lists.get(invocation.audience.name, SuppressionList())
        if run_id in own.runs:
            return None
        invocation.held.run.progress.tally.forget_rows()
        invocation.rejects.remove_parts()
        return self.machine.ordered(ended_by(order, run_id, UNCHANGED))

    def _change(self) -> Next:
        connector, held = self.invocation.connector, self.invocation.held
        read, ended = self._read(), self._ordered()
        if read is None or ended:
            return ended or self.machine.out_of_time()
        heads, rows = read
        if not rows:
            return self.machine.done(RunState.EMPTY, {})
        tally = held.run.progress.tally
        if not tally.acknowledged:
            raise names_nobody(self.invocation.located.kind, tally.rejected_by_us)
        if refused := too_many(tally.acknowledged, self.settings.most_rows, lifts=self._lifts):
            tally.acknowledged = 0  # the list stays as it is
            raise ConfigError("too_many_at_once", refused)
        change = ListChange(
            SuppressionRecord(connector.clients.table),
            ListStore(connector.clients.s3, connector.settings.mirrors_bucket),
            self.invocation.audience.name,
            self.invocation.identity.run_id,
            heads,
            lifts=self._lifts,
        )
        changed = change.apply()
        connector.sleep(ACCEPTED_AFTER_S)
        return self.machine.done(RunState.APPLIED, self._notes(changed))

    @property
    def _lifts(self) -> bool:
        return self.invocation.identity.audience.action is Action.REMOVE

    def _read(self) -> tuple[dict[str, Listed], int] | None:
        """Read the drop; return what it holds by platform, and its rows, all of which the tally accounts for.

        Return None where somebody ends the run meanwhile.
        """
        reader, drop = self._open()
        progress = self.invocation.held.run.progress
        progress.tally.forget_rows()
        rejects = self.invocation.rejects
        row = 0
        for chunk in reader.chunks(Cursor()):
            named, unnamed = drop.look(chunk)
            rejects.write_ours(chunk.first_row, unnamed)
            progress.tally.acknowledged += named
            progress.tally.rejected_by_us.update(row_reasons(unnamed))
            progress.tally.mended += len(chunk.mended)
            row = chunk.first_row + chunk.row_count - 1
            if not self.invocation.keep_and_may_go_on():
                if self._ordered():
                    return None
                if self.invocation.orders.ending:  # too late: the list is changed, and only the rows are counted
                    continue
                raise Rejected(
                    "too_long_to_read",
                    "the drop cannot be read within one invocation, so the list was not changed: split it",
                )
        if progress.tally.rows_settled != row:
            raise Rejected("sums_differ", f"{row} rows were read and {progress.tally.rows_settled} accounted for")
        with self.invocation.held.lock:
            progress.checkpoint.cursor, progress.checkpoint.read_whole = Cursor(row=row), True
        return drop.heads(), row

    def _open(self) -> tuple[DropReader, ListDrop]:
        invocation, plan = self.invocation, self.invocation.held.run.progress.plan
        if invocation.listing and invocation.listing.reading:
            refuse_made_for(invocation.listing.reading.platform, invocation.located.kind)
        opened = open_run(invocation)
        reading, contexts = opened.reading, self.settings.contexts
        kind = invocation.located.kind
        drop = ListDrop.of(opened.reader, kind, contexts, invocation.reading.context, reading.own_columns)
        with invocation.held.lock:
            plan.etag, plan.format, plan.reading = opened.etag, opened.reader.format, reading
            plan.columns, plan.ignored_columns = dict(drop.mapped.used), list(drop.mapped.ignored)
            plan.proposed_columns = dict(drop.mapped.proposed)
        drop.refuse_useless()
        return opened.reader, drop

    def _notes(self, changed: Changed) -> Mapping[str, str]:
        what = "left" if self._lifts else "joined"
        count = abs(changed.after - changed.before)
        return {
            "suppression_list": f"{count:,} identifiers {what} the list, which holds {changed.after:,} now",
        }
