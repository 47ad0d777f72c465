"""Rows of one group become one: counts, sums, first and last cells; then `having`, and the people step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from activation.drops.row_filters import NO_CONSENT

from glue_scripts.normalize import stream
from glue_scripts.normalize.cells import NUMBER, number_texts
from glue_scripts.normalize.conditions import holds
from glue_scripts.normalize.mapping import NUMERIC, TIMES, Aggregate, DecimalSign, Function
from glue_scripts.normalize.people import PeopleStep
from glue_scripts.normalize.plan import Plan
from glue_scripts.normalize.rows import INCOMPLETE, REFUSED
from glue_scripts.normalize.stream import Places

INCOMPLETE_GROUP = "incomplete_group"
_NAMES = {
    Function.COUNT: "count",
    Function.COUNT_DISTINCT: "count_distinct",
    Function.SUM: "sum",
    Function.MIN: "min",
    Function.MAX: "max",
    Function.FIRST: "first",
    Function.LAST: "last",
    Function.EARLIEST: "min",
    Function.LATEST: "max",
}


@dataclass(frozen=True)
class GroupStep:
    """Groups the lines of a partition, which holds all lines of each of its groups."""

    plan: Plan

    @property
    def width(self) -> int:
        """Return the number of data columns that the step gives."""
        return len(self.plan.output)

    def run(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield output lines, one for each group that is used, in the order of the groups' first rows."""
        mapping = self.plan.mapping
        lines, others = stream.gathered(batches, len(mapping.group_by) + len(mapping.aggregates) + 1)
        yield from (stream.with_width(one, self.width) for one in stream.in_batches(others))
        if lines.num_rows:
            groups = self._grouped(lines.sort_by("row"))
            yield stream.tallies([("groups", "", groups.num_rows)], self.width)
            for batch in stream.in_batches(groups):
                yield from self._used(batch)

    def _grouped(self, lines: pa.Table) -> pa.Table:
        """Return one line for each group: place, keys, aggregates and the flag, in the rows' order."""
        keys, aggregates = self.plan.mapping.group_by, self.plan.mapping.aggregates
        key_names = [f"c{index}" for index in range(len(keys))]
        columns = {name: lines[name] for name in ("row", "file", "row_in_file", *key_names)}
        wanted: list[tuple[str, str]] = [(name, "first") for name in ("row", "file", "row_in_file")]
        for index, one in enumerate(aggregates):
            columns[f"a{index}"] = _typed(one, lines[f"c{len(keys) + index}"])
            wanted.append((f"a{index}", _NAMES[one.function]))
        columns["refused"] = lines[f"c{len(keys) + len(aggregates)}"]
        wanted.append(("refused", "max"))
        # In one thread the order of the rows counts, on which `first` and `last` rely.
        grouped = pa.table(columns).group_by(key_names, use_threads=False).aggregate(wanted)
        found = {name: grouped[f"{name}_first"] for name in ("row", "file", "row_in_file")}
        found |= {name: grouped[name] for name in key_names}
        for index, one in enumerate(aggregates):
            found[f"a{index}"] = _text(one, grouped[f"a{index}_{_NAMES[one.function]}"])
        return pa.table({**found, "refused": grouped["refused_max"]}).sort_by("row")

    def _used(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        plan, mapping = self.plan, self.plan.mapping
        for flag, code in ((REFUSED, NO_CONSENT), (INCOMPLETE, INCOMPLETE_GROUP)):
            is_out = pc.equal(batch["refused"], flag)
            if pc.any(is_out, min_count=0).as_py():
                out = _places(batch.filter(is_out))
                yield stream.whole_row_rejects(out, code, self.width)
                yield stream.tallies([(f"{plan.rejected}:{code}", "", len(out.rows))], self.width)
                batch = batch.filter(pc.invert(is_out))
        names = [*mapping.group_by, *(one.name for one in mapping.aggregates)]
        for number, condition in enumerate(mapping.having, 1):
            at = names.index(condition.column)
            found = holds(condition, batch.column(3 + at), plan.context, self._decimal(at))
            if found.codes.null_count < len(found.codes):
                yield from self._rejected(batch, found.codes, condition.column)
            usable = pc.is_null(found.codes)
            mask = pc.and_(usable, found.values)
            below = (pc.sum(usable).as_py() or 0) - (pc.sum(mask).as_py() or 0)
            yield stream.tallies([(f"having:{number}", condition.column, below)], self.width)
            batch = batch.filter(mask)
        if batch.num_rows:
            columns = [batch.column(3 + index) for index in range(len(names))]
            yield from PeopleStep(plan).run(columns, _places(batch))

    def _decimal(self, at: int) -> DecimalSign:
        """Return how a column of groups writes numbers: as the export does where it keeps the export's cells."""
        mapping = self.plan.mapping
        of = at - len(mapping.group_by)
        keeps = of < 0 or mapping.aggregates[of].function in (Function.FIRST, Function.LAST)
        return mapping.input.decimal if keeps else DecimalSign.POINT

    def _rejected(self, batch: pa.RecordBatch, codes: pa.Array, column: str) -> Iterator[pa.RecordBatch]:
        out, code = _places(batch.filter(codes.is_valid())), codes.drop_null()
        yield stream.rejects(out, pa.repeat(pa.scalar(column), len(code)), code, self.width)
        counts = pc.value_counts(code).to_pylist()
        name = self.plan.rejected
        yield stream.tallies([(f"{name}:{one['values']}", "", one["counts"]) for one in counts], self.width)


def _typed(one: Aggregate, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if one.function in NUMERIC:
        return column.cast(NUMBER)
    return column.cast(pa.int64()) if one.function in TIMES else column


def _text(one: Aggregate, column: pa.ChunkedArray) -> pa.Array:
    values = column.combine_chunks()
    values = number_texts(values.cast(NUMBER)) if one.function in NUMERIC else values.cast(pa.string())
    return pc.fill_null(values, "")


def _places(batch: pa.RecordBatch) -> Places:
    return Places(batch["row"], batch["file"], batch["row_in_file"])
