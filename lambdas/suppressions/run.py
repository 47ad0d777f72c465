"""The run of a suppression drop: read as a whole, then put on its list, or taken off it, in one step.

Nothing of the list changes before the last row was read, and the record in the ledger then names all of the change
or none of it. A run that dies begins again, and one that died after the change finds its name in the record. The
receipt, which accounts for every row, is written once every connector asks the changed list: see current.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from activation.drops.chunk import Chunk
from activation.drops.columns import MappedColumns, map_columns
from activation.drops.plaintext_scan import refuse_plaintext
from activation.drops.row_filters import none_sent
from activation.errors import ConfigError, Rejected
from activation.identifiers.codes import Code
from activation.ledger.runs import STOPPED, RunState
from activation.ledger.suppression_lists import SuppressionRecord
from activation.model import HASHED, Action, Cursor
from activation.pipeline.batching import Batcher
from activation.pipeline.findings import NO_IDENTIFIER, of_rows, row_reasons
from activation.runs.advance import leave
from activation.runs.closing import ClosesNothing, close_folder
from activation.runs.deadline import begin_again
from activation.runs.effects import RunEffects
from activation.runs.invocation import Invocation
from activation.runs.opening import Opened, open_run
from activation.runs.relist import list_again
from activation.runs.states import Next, StateMachine
from activation.suppression.current import ACCEPTED_AFTER_S
from activation.suppression.listed import Listed
from activation.suppression.store import ListStore

from lambdas.suppressions.change import Changed, ListChange
from lambdas.suppressions.lists import ROWS_PER_SPAN, hashed_for, tables
from lambdas.suppressions.readings import Readings, hashed_readings, raw_readings
from lambdas.suppressions.settings import ListSettings

# What cells are that another platform, or no platform, has hashed.
OTHER_HASHES = frozenset(
    (Code.HASH_MD5, Code.HASH_SHA1, Code.HASH_SHA256, Code.HASH_BASE64, Code.HASH_LENGTH, Code.LOOKS_HASHED)
)


@dataclass(frozen=True)
class ListRun:
    """A claimed run of a suppression drop. `invocation` is what holds it, `machine` its states."""

    invocation: Invocation
    machine: StateMachine
    settings: ListSettings

    def work(self) -> Next:
        """Read the drop and change its list; raises what stops the run, and then the list is as it was."""
        run, invocation = self.invocation.held.run, self.invocation
        if run.state in STOPPED:
            list_again(invocation)
            begin_again(run, self.machine.clock())
            run.state = RunState.RUNNING
        if step := self.machine.overdue() or self.machine.early():
            return step
        run.state, run.code, run.sentence = RunState.RUNNING, "", ""
        if invocation.located.kind == HASHED:
            raise Rejected(
                "hashed_for_whom",
                "a suppression list of digests has to say whose they are, since platforms hash phones differently:"
                " put it below hashed_meta/, hashed_tiktok/ and so on in place of hashed/",
            )
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
        """Take the step."""
        return leave(self.invocation, step, RunEffects(self.invocation))

    def _change(self) -> Next:
        connector, held = self.invocation.connector, self.invocation.held
        heads, rows = self._read()
        if not rows:
            return self.machine.done(RunState.EMPTY, {})
        tally = held.run.progress.tally
        if not tally.acknowledged:
            raise self._nobody(tally.rejected_by_us)
        self._guard(tally.acknowledged)
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

    def _read(self) -> tuple[dict[str, Listed], int]:
        """Read the drop; return what it holds by platform, and its rows, all of which the tally accounts for."""
        opened, mapped, readings = self._open()
        progress, batcher = self.invocation.held.run.progress, self._batcher(mapped)
        progress.tally.forget_rows()
        rejects = self.invocation.rejects
        row = 0
        for chunk in opened.reader.chunks(Cursor()):
            if readings.hashed:
                refuse_plaintext(chunk, mapped.columns, batcher.context)
            named = readings.look(chunk)
            unnamed = _rejected(chunk, pc.invert(named), batcher)
            rejects.write_ours(chunk.first_row, unnamed)
            progress.tally.acknowledged += pc.sum(named, min_count=0).as_py()
            progress.tally.rejected_by_us.update(row_reasons(unnamed))
            progress.tally.mended += len(chunk.mended)
            row = chunk.first_row + chunk.row_count - 1
            if not self.invocation.keep_and_may_go_on():
                raise Rejected(
                    "too_long_to_read",
                    "the drop cannot be read within one invocation, so the list was not changed: split it",
                )
        if progress.tally.rows_settled != row:
            raise Rejected("sums_differ", f"{row} rows were read and {progress.tally.rows_settled} accounted for")
        with self.invocation.held.lock:
            progress.checkpoint.cursor, progress.checkpoint.read_whole = Cursor(row=row), True
        return {name: Listed.of(readings.found.get(name, ())) for name in tables()}, row

    def _open(self) -> tuple[Opened, MappedColumns, Readings]:
        invocation, kind = self.invocation, self.invocation.located.kind
        of_platform = hashed_for(kind.declared)
        table = tables()[of_platform] if of_platform else invocation.connector.platform.table
        opened = open_run(invocation)
        reading, plan = opened.reading, invocation.held.run.progress.plan
        mapped = map_columns(table, opened.reader.header, kind, reading.own_columns, opened.reader.nested)
        with invocation.held.lock:
            plan.etag, plan.format, plan.reading = opened.etag, opened.reader.format, reading
            plan.columns, plan.ignored_columns = dict(mapped.used), list(mapped.ignored)
            plan.proposed_columns = dict(mapped.proposed)
        by = hashed_readings(mapped, tables()) if of_platform else raw_readings(mapped, tables())
        if not by:
            raise Rejected("no_usable_column", "no column of the file names a person by itself")
        return opened, mapped, Readings(mapped, by, self.settings.contexts, hashed=kind.hashed)

    def _batcher(self, mapped: MappedColumns) -> Batcher:
        kind = self.invocation.located.kind
        of_platform = hashed_for(kind.declared)
        return Batcher(
            table=tables()[of_platform] if of_platform else self.invocation.connector.platform.table,
            fields=mapped.fields,
            context=self.invocation.reading.context,
            hashed=kind.hashed,
            max_rows=ROWS_PER_SPAN,
            several=mapped.several,
            ignored=mapped.told_ignored,
        )

    def _nobody(self, rejected: Counter[str]) -> Rejected:
        of_platform, found = hashed_for(self.invocation.located.kind.declared), none_sent(rejected)
        if set(rejected) <= {code.value for code in OTHER_HASHES}:
            whose = (
                f"no digests of {of_platform}'s" if of_platform else "digests, and the key declares plain values"
            )
            return Rejected(
                "other_hash",
                f"the cells are {whose}: the list was not changed. {found.sentence}",
            )
        return Rejected("names_nobody", f"the drop names nobody: the list was not changed. {found.sentence}")

    def _guard(self, people: int) -> None:
        most = self.settings.most_rows
        if people > most:
            raise ConfigError(
                "too_many_at_once",
                f"the drop has {people:,} rows to {'take off' if self._lifts else 'put on'} the list, more than"
                f" the {most:,} that suppressions.most_rows allows at once, so the list was not changed."
                " If that is meant, raise the setting, deploy and redrive",
            )

    def _notes(self, changed: Changed) -> Mapping[str, str]:
        what = "left" if self._lifts else "joined"
        count = abs(changed.after - changed.before)
        return {
            "suppression_list": f"{count:,} identifiers {what} the list, which holds {changed.after:,} now",
        }


def _rejected(chunk: Chunk, mask: pa.Array, batcher: Batcher) -> pa.Table:
    """Return why some rows of a chunk name nobody: by their cells, else that they hold no identifier."""
    rest = replace(chunk, columns=chunk.columns.filter(mask), rows=chunk.rows.filter(mask))
    found = batcher.identify(rest).rejected
    silent = rest.rows.filter(pc.invert(pc.is_in(rest.rows, value_set=found["row"].combine_chunks())))
    return pa.concat_tables([found, of_rows(silent, NO_IDENTIFIER)]).sort_by("row")
