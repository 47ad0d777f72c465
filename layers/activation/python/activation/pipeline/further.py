"""Further e-mail addresses and phones of a person: lines of their own, beside that of the first ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.table import FieldTable
from activation.platforms.publisher import Publisher
from activation.platforms.upload import Batch, Upload


@dataclass(frozen=True)
class Lines:
    """Lines of rows: the columns by wire key, and the source row of each line, in row order."""

    columns: pa.RecordBatch | pa.Table = field(repr=False)
    rows: pa.Array

    def slice(self, begin: int, count: int | None = None) -> Lines:
        """Return a part of the lines."""
        return Lines(self.columns.slice(begin, count), self.rows.slice(begin, count))


def further_lines(
    table: FieldTable,
    sent: Mapping[str, pa.Array],
    further: Mapping[str, Sequence[pa.Array]],
    accepted: pa.Array,
    rows: pa.Array,
) -> tuple[Lines, ...]:
    """Return the lines of second values, of third ones and so on, as far as a row has them.

    `sent` are the identified columns and `further` their further values, by wire key; only `accepted` rows (a
    mask) have lines. A line repeats what describes the person, a name or a city, and none of what identifies by
    itself.
    """
    lines = []
    for place in range(max((len(each) for each in further.values()), default=0)):
        values = {key: each[place] for key, each in further.items() if place < len(each)}
        has = pa.repeat(pa.scalar(False), len(rows))
        for each in values.values():
            has = pc.or_(has, pc.is_valid(each))
        has = pc.and_(has, accepted)
        if not pc.any(has, min_count=0).as_py():
            break
        blank = pa.nulls(len(rows), pa.string())
        columns = {
            key: values.get(key, blank if table.field(key).identifies else column) for key, column in sent.items()
        }
        batch = pa.record_batch(list(columns.values()), names=list(columns))
        lines.append(Lines(batch.filter(has), rows.filter(has)))
    return tuple(lines)


def uploads_of(publisher: Publisher, batch: Batch, further: Sequence[Lines]) -> list[Upload]:
    """Return a batch's uploads, and those of its further lines under names of their own."""
    uploads = [*publisher.uploads(batch)]
    for place, lines in enumerate(further, 2):
        more = publisher.uploads(replace(batch, columns=lines.columns, rows=lines.rows))
        uploads += [
            replace(one, key=f"{place}.{one.key}", after=f"{place}.{one.after}" if one.after else "")
            for one in more
        ]
    of_batch = ((batch.columns, batch.rows), *((lines.columns, lines.rows) for lines in further))
    return [replace(one, of_batch=of_batch) for one in uploads]
