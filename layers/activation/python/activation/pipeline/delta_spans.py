"""Spans of what a mirror sends: lines to remove or to add, read and cut like the rows of a drop.

The lines of a run are numbered on in one sequence, first those to remove and then those to add: the spans and
units have these numbers. A line to add also has its source row, for the list of rejects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from activation.ledger.units import Span, Unit
from activation.mirror.delta import Part, read_part
from activation.mirror.lines import ROW
from activation.mirror.store import Pieces
from activation.model import Cursor
from activation.pipeline.batching import Prepared
from activation.pipeline.findings import FINDINGS
from activation.pipeline.further import Lines


def delta_spans(
    pieces: Pieces, part: Part, *, before: int, cursor: Cursor, max_rows: int, settled: Iterable[Unit]
) -> Iterator[Prepared]:
    """Yield the spans of a part after the cursor, of at most `max_rows` lines.

    `before` is how many lines of the run come before the part. `settled` are the units acknowledged beyond the
    cursor: their spans are cut where they were before, even if the limits have changed since. Raises what reading
    the part raises.
    """
    edges = sorted({(unit.first_row, unit.last_row) for unit in settled})
    first, last = cursor.row + 1, before + part.lines
    pending: list[pa.Table] = []
    held = 0
    for table in read_part(pieces, part, cursor.row - before):
        pending.append(table)
        held += table.num_rows
        while first <= last and (count := _length(first, last, max_rows, edges)) <= held:
            lines = pa.concat_tables(pending)
            yield _prepared(lines.slice(0, count), first)
            pending, held, first = [lines.slice(count)], held - count, first + count


def _length(first: int, last: int, max_rows: int, edges: list[tuple[int, int]]) -> int:
    """Return how many lines the span from `first` has."""
    end = min(first + max_rows - 1, last)
    for edge_first, edge_last in edges:
        if edge_first == first:
            return edge_last - first + 1
        if edge_first > first:
            end = min(end, edge_first - 1)
            break
    return end - first + 1


def _prepared(lines: pa.Table, first: int) -> Prepared:
    """Return lines as a span: the first line of each source row, and further ones as those of a drop's row."""
    last = first + lines.num_rows - 1
    span = Span(first, last, rejected={}, left_out={}, after=Cursor(row=last))
    (own, *further) = _by_turn(lines)
    return Prepared(span, own.columns, own.rows, FINDINGS.empty_table(), tuple(further))


def _by_turn(lines: pa.Table) -> list[Lines]:
    """Return the first lines of each source row, the second ones and so on, as far as there are any."""
    found: list[Lines] = []
    while lines.num_rows:
        rows = lines.column(ROW)
        if len(pc.unique(rows)) == lines.num_rows:
            return [*found, _lines(lines)]
        seen: set[int] = set()
        firsts = []
        for row in rows.to_pylist():
            firsts.append(row not in seen)
            seen.add(row)
        is_first = pa.array(firsts)
        found.append(_lines(lines.filter(is_first)))
        lines = lines.filter(pc.invert(is_first))
    return found


def _lines(lines: pa.Table) -> Lines:
    rows = lines.column(ROW).combine_chunks()
    return Lines(lines.drop_columns([ROW]), rows)
