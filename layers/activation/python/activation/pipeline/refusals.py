"""People to whom a row says no, kept out of the drop's other rows: each row is looked up before it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.row_filters import ELSEWHERE, RowFilter
from activation.identifiers.refused import Refused, keyed


@dataclass(frozen=True)
class Refusal:
    """The people to whom the rows of a filter say no; `key` is that of the digests of `refused`."""

    filter: RowFilter
    refused: Refused
    key: str = field(repr=False)

    @property
    def code(self) -> str:
        """Return why a row is not sent that another one takes out."""
        return ELSEWHERE[self.filter.code]


def record_ids(one: RowFilter, columns: pa.RecordBatch) -> Iterator[pa.Array]:
    """Yield the ids of the rows' records, marked so that none is the same as an identifier; null where blank."""
    for index in one.keys:
        texts = pc.utf8_trim_whitespace(columns.column(index).cast(pa.string()))
        marked = pc.binary_join_element_wise(pa.scalar("record"), texts, "\x1f")
        yield pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), marked)


def taken_out(
    refusals: Sequence[Refusal],
    identifiers: Sequence[pa.Array],
    columns: pa.RecordBatch,
    rows: pa.Array,
) -> Iterator[tuple[str, pa.Array]]:
    """Yield for each refusal its code and the mask of the rows that hold an identifier of somebody refused there.

    `identifiers` are what the rows would be sent with, `columns` their cells, `rows` their source row numbers.
    """
    digests = [keyed(refusals[0].key, values) for values in identifiers] if refusals else []
    for one in refusals:
        own = [keyed(one.key, values) for values in record_ids(one.filter, columns)]
        taken = pa.repeat(pa.scalar(False), len(rows))
        for each in (*digests, *own):
            last = one.refused.rows_of(each)
            taken = pc.or_(taken, pc.fill_null(pc.greater(last, rows), fill_value=False))
        yield one.code, taken
