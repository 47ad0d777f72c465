"""The last step over rows: cells are normalised as the connector does, and what cannot be sent is taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
from activation.drops.chunk import Chunk
from activation.model import Cursor
from activation.pipeline.batching import Batcher
from activation.pipeline.findings import row_reasons
from activation.pipeline.identified import Identified, flat

from glue_scripts.normalize import stream
from glue_scripts.normalize.keys import key_of
from glue_scripts.normalize.plan import Plan
from glue_scripts.normalize.stream import Places

EVENT_ID_INCOMPLETE = "event_id_incomplete"


@dataclass(frozen=True)
class PeopleStep:
    """Turns the columns that are left after grouping into those that are written."""

    plan: Plan

    @cached_property
    def _batcher(self) -> Batcher:
        plan = self.plan
        return Batcher(
            table=plan.table,
            fields=plan.mapped.fields,
            context=plan.context,
            hashed=False,
            max_rows=stream.ROWS_PER_BATCH,
            several=plan.mapped.several,
            ignored=plan.mapped.told_ignored,
            drop_id="normalize",  # of events without an id of their own; it is not written
        )

    def run(self, columns: list[pa.Array], places: Places) -> Iterator[pa.RecordBatch]:
        """Yield the output lines of rows or groups; `columns` are the plan's `people` without an event id."""
        width = len(self.plan.output)
        if self.plan.makes_event_ids:
            columns, places, lines = self._with_ids(columns, places)
            yield from lines
        if not len(places.rows):
            return
        named = pa.RecordBatch.from_arrays(columns, names=list(self.plan.people))
        chunk = Chunk(1, len(places.rows), named, places.rows, Cursor)
        found = self._batcher.identify(chunk)
        if found.rejected.num_rows:
            of = flat(found.rejected["row"])
            yield stream.rejects(places.of(of), found.rejected["field"], found.rejected["code"], width)
            reasons = row_reasons(found.rejected).items()
            yield stream.tallies([(f"{self.plan.rejected}:{code}", "", count) for code, count in reasons], width)
        yield stream.tallies([*_left_out(found), *_filled(found)], width)
        if len(found.rows):
            yield self._data(named, places, found)

    def _data(self, named: pa.RecordBatch, places: Places, found: Identified) -> pa.RecordBatch:
        plan, rows = self.plan, flat(found.rows)
        further = [_spread(lines.columns, flat(lines.rows), rows) for lines in found.further]
        sent: list[pa.Array] = []
        for key in found.columns.schema.names:
            sent.append(found.columns.column(key))
            values = [one[key] for one in further]
            width = plan.table.field(key).further
            blank = pa.nulls(len(rows), pa.string())
            sent += [*values[:width], *([blank] * (width - len(values)))]
        # Two rows are one person's if the same is sent for them, however it was written.
        key = key_of([each.cast(pa.string()) for each in sent])
        if plan.kind.hashed:
            columns = sent
        else:
            kept = pc.is_in(places.rows, value_set=rows)
            columns = [named.column(index).filter(kept) for index in plan.carried]
        answers = plan.output[len(columns) :]
        allowed = plan.mapping.consent.allow[0] if answers else ""
        columns += [pa.repeat(pa.scalar(allowed), len(rows)) for _ in answers]
        return stream.data(places.of(rows), columns, key)

    def _with_ids(
        self, columns: list[pa.Array], places: Places
    ) -> tuple[list[pa.Array], Places, list[pa.RecordBatch]]:
        """Return the columns with the id of each event, without the rows that lack a part of it."""
        width, names = len(self.plan.output), self.plan.people[:-1]
        parts = [columns[names.index(self._name(one, names))] for one in self.plan.mapping.output.event_id]
        texts = [pc.utf8_trim_whitespace(pc.fill_null(one, "")) for one in parts]
        whole = pa.repeat(pa.scalar(True), len(places.rows))
        for one in texts:
            whole = pc.and_(whole, pc.not_equal(one, ""))
        lines = []
        if not pc.all(whole, min_count=0).as_py():
            lacking = places.filter(pc.invert(whole))
            lines.append(stream.whole_row_rejects(lacking, EVENT_ID_INCOMPLETE, width, names[-1]))
            lines.append(
                stream.tallies([(f"{self.plan.rejected}:{EVENT_ID_INCOMPLETE}", "", len(lacking.rows))], width)
            )
            columns = [one.filter(whole) for one in columns]
            texts, places = [one.filter(whole) for one in texts], places.filter(whole)
        return [*columns, key_of(texts, short=False)], places, lines

    def _name(self, wanted: str, names: tuple[str, ...]) -> str:
        if wanted in names:
            return wanted
        return self.plan.read[self.plan.index(wanted)]


def _spread(columns: pa.RecordBatch | pa.Table, of: pa.Array, rows: pa.Array) -> dict[str, pa.Array]:
    """Return the columns of some rows as long as all of them, null where a row is not among them."""
    at = pc.index_in(rows, value_set=of)
    return {name: flat(columns.column(name)).cast(pa.string()).take(at) for name in columns.schema.names}


def _left_out(found: Identified) -> list[tuple[str, str, int]]:
    """Return how many cells were left out of rows that are used, by field and code."""
    if not found.left_out.num_rows:
        return []
    groups = found.left_out.group_by(["field", "code"], use_threads=False).aggregate([("row", "count")])
    return [(f"left_out:{one['code']}", one["field"], one["row_count"]) for one in groups.to_pylist()]


def _filled(found: Identified) -> list[tuple[str, str, int]]:
    """Return how many cells of each field are used."""
    names = found.columns.schema.names
    return [("filled", name, len(found.rows) - found.columns.column(name).null_count) for name in names]
