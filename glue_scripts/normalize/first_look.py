"""What an export's first rows show of the people in it, as a connector would look at its drop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from activation.drops.chunk import Chunk, DropReader
from activation.drops.sample import Sample
from activation.drops.sampling import take_sample
from activation.model import EVENTS, RAW, Cursor

from glue_scripts.normalize.cells import derive
from glue_scripts.normalize.mapping import Function
from glue_scripts.normalize.plan import Plan


def first_look(plan: Plan, reader: DropReader) -> Sample:
    """Return the sample; raises as `take_sample` does.

    The same person in several rows is what grouping and deduplication are for: it is not counted then.
    """
    kind = EVENTS if plan.table.events is not None else RAW
    sample = take_sample(
        _People(plan, reader), plan.mapped, kind, plan.table, plan.context, ignored=plan.mapped.told_ignored
    )
    joined = plan.mapping.is_grouped or plan.mapping.output.deduplicate
    return replace(sample, named=0, people=0) if joined else sample


@dataclass(frozen=True)
class _People:
    """A reader of an export's rows with the plan's `people` as columns; what only a whole group tells is blank."""

    plan: Plan
    reader: DropReader

    @property
    def format(self) -> str:
        return self.reader.format

    @property
    def header(self) -> tuple[str, ...]:
        return self.plan.people

    @property
    def nested(self) -> tuple[str, ...]:
        return self.reader.nested

    def chunks(self, start: Cursor) -> Iterator[Chunk]:
        for chunk in self.reader.chunks(start):
            columns = self._columns(list(chunk.columns.columns), chunk.columns.num_rows)
            names = [f"c{index}" for index in range(len(columns))]
            yield replace(chunk, columns=pa.RecordBatch.from_arrays(columns, names=names))

    def _columns(self, columns: list[pa.Array], count: int) -> list[pa.Array]:
        plan, mapping = self.plan, self.plan.mapping
        blank = pa.repeat(pa.scalar(""), count)
        if mapping.input.nulls:
            words = pa.array(mapping.input.nulls, pa.string())
            columns = [pc.if_else(pc.is_in(one, value_set=words), "", one) for one in columns]
        for derived in mapping.derived:
            cells = [columns[plan.index(name)] for name in derived.of]
            columns.append(pc.fill_null(derive(derived, cells, plan.context).values, ""))
        if mapping.is_grouped:
            keeps = (Function.FIRST, Function.LAST)
            groups = [columns[plan.index(name)] for name in mapping.group_by]
            columns = groups + [
                columns[plan.index(one.of)] if one.function in keeps else blank for one in mapping.aggregates
            ]
        return columns + [blank] * (len(plan.people) - len(columns))
