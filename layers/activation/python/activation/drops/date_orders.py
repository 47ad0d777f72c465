"""In which order a drop's dates have day, month and year: decided once, by its first rows, for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa

from activation.drops.chunk import DropReader
from activation.drops.reading import Reading
from activation.errors import Rejected
from activation.identifiers.dates import date_order
from activation.identifiers.rules import PerValue
from activation.identifiers.table import Field
from activation.model import Cursor

SAMPLE_ROWS = 20_000  # in a column of dates, three in five rows say the order by a day above 12


def with_date_order(
    reading: Reading, reader: DropReader, fields: Sequence[tuple[int, Field]], *, hashed: bool
) -> Reading:
    """Return the reading with the order that the drop's own dates show; it is then kept in the run's record.

    The setting wins over what the dates show, and what they show over the default country. Dates that contradict
    each other show nothing. `fields` pairs a column's index with a field it fills; in a
    `hashed` drop no dates are seen. Raises Retryable when the storage
    fails; of a file that cannot be read on, the rows before the damage decide.
    """
    dates = reads_dates(fields)
    if hashed or reading.context.date_order or not dates:
        return reading
    samples = _first_rows(reader, dates)
    shown = {order for values in samples if (order := date_order(values))}
    if len(shown) != 1:
        return reading
    return replace(reading, context=replace(reading.context, date_order=shown.pop()))


def reads_dates(fields: Sequence[tuple[int, Field]]) -> list[int]:
    """Return the indexes of the columns whose cells may be dates."""
    return sorted({index for index, one in fields if isinstance(one.rule, PerValue) and one.rule.reads_dates})


def _first_rows(reader: DropReader, columns: Sequence[int]) -> list[pa.ChunkedArray]:
    """Return the first SAMPLE_ROWS rows of some columns."""
    pieces: list[list[pa.Array]] = [[] for _ in columns]
    missing = SAMPLE_ROWS
    with suppress(Rejected):  # whoever sends the rows reports it
        for chunk in reader.chunks(Cursor()):
            for place, index in enumerate(columns):
                pieces[place].append(chunk.columns.column(index).slice(0, missing))
            missing -= chunk.columns.num_rows
            if missing <= 0:
                break
    return [pa.chunked_array(of_column, pa.string()) for of_column in pieces]
