"""Batches of rows, and the uploads that carry them to a platform."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Batch:
    """Rows that are sent and acknowledged together.

    `run_id` is the run's. `first_row` and `last_row` are source rows, counted from 1, both inclusive; rows between
    them that are not in the batch were rejected. `columns` are the identifiers by wire key, all of one length,
    null if nothing is sent for a cell; they stay in the chunks they were read in, since a large request cannot
    afford a second copy. `rows` (int64) is the source row number of each row of the columns.
    """

    run_id: str
    first_row: int
    last_row: int
    columns: pa.Table = field(repr=False)
    rows: pa.Array = field(repr=False)

    def upload(
        self,
        key: str = "0",
        columns: pa.Table | None = None,
        rows: pa.Array | None = None,
        *,
        after: str = "",
    ) -> Upload:
        """Return an upload of this batch: all of it, or the given columns with the rows each line carries."""
        return Upload(
            run_id=self.run_id,
            first_row=self.first_row,
            last_row=self.last_row,
            key=key,
            columns=self.columns if columns is None else columns,
            rows=self.rows if rows is None else rows,
            after=after,
        )

    def masked(self, key: str, mask: pa.Array) -> Upload:
        """Return an upload of the rows for which the mask (bool, as long as the batch) is true."""
        return self.upload(key, self.columns.filter(mask), self.rows.filter(mask))


@dataclass(frozen=True)
class Upload:
    """What one request carries of a batch.

    `run_id`, `first_row` and `last_row` are the batch's, `key` names the upload within it; a retry, a redelivery
    and a replay produce the same upload under the same names. `columns` are the lines on the wire. `rows` is the
    source row of each line (int64), or the list of source rows of each line (list of int64) where several rows
    became one line. `after` is the key of an upload of the same batch that has to be acknowledged first, "" for
    none, and `earlier` what the platform returned for that upload (its handles, in row order). `part` is "" for
    the whole upload; each half of an upload that was refused or too large appends "0" or "1". `round` counts how
    often rows that the platform named were taken out of this upload. In a session, `number` counts the uploads
    from 1 in the order in which they are begun, and `last` says that this one ends it; 0 and False outside of one.
    `of_batch` are the lines of the whole batch with their source rows, further ones too. By them, a suppressed
    person is found whose identifiers are in different uploads.
    """

    run_id: str
    first_row: int
    last_row: int
    key: str
    columns: pa.Table = field(repr=False)
    rows: pa.Array = field(repr=False)
    after: str = ""
    earlier: tuple[str, ...] = ()
    part: str = ""
    round: int = 0
    number: int = 0
    last: bool = False
    of_batch: tuple[tuple[pa.Table | pa.RecordBatch, pa.Array], ...] = field(default=(), repr=False)

    @property
    def identity(self) -> str:
        """Return the upload's name, the same for the same lines on every redelivery."""
        name = f"{self.run_id}/{self.first_row}-{self.last_row}/{self.key}/{self.part}"
        return f"{name}/{self.round}" if self.round else name

    @property
    def lines(self) -> int:
        """Return how many lines the upload has on the wire."""
        count: int = self.columns.num_rows
        return count

    @property
    def whole(self) -> pa.RecordBatch:
        """Return the columns as one record batch, copied if they are in several chunks."""
        batches = self.columns.combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], self.columns.schema)

    @property
    def source_rows(self) -> pa.Array:
        """Return the source row numbers of all lines (int64), in line order."""
        return self.rows.flatten() if pa.types.is_list(self.rows.type) else self.rows

    def rows_of(self, line: int) -> list[int]:
        """Return the source rows of a line, counted from 0."""
        found = self.rows[line].as_py()
        return found if isinstance(found, list) else [found]

    @property
    def cells(self) -> dict[str, int]:
        """Return how many identifiers the upload carries, by wire key."""
        columns = zip(self.columns.schema.names, self.columns.columns, strict=True)
        return {name: len(column) - column.null_count for name, column in columns}

    def halves(self) -> tuple[Upload, Upload]:
        """Split the lines into two uploads, always at the same place; needs at least two lines."""
        middle = self.lines // 2
        return (
            replace(
                self,
                columns=self.columns.slice(0, middle),
                rows=self.rows.slice(0, middle),
                part=f"{self.part}0",
                round=0,
                last=False,
            ),
            replace(
                self,
                columns=self.columns.slice(middle),
                rows=self.rows.slice(middle),
                part=f"{self.part}1",
                round=0,
            ),
        )

    def without(self, lines: Collection[int]) -> tuple[Upload, list[int]]:
        """Return the upload without some lines, and the former index of each line that is left."""
        kept = [line for line in range(self.lines) if line not in lines]
        places = pa.array(kept, pa.int64())
        rest = replace(self, columns=self.columns.take(places), rows=self.rows.take(places), round=self.round + 1)
        return rest, kept


def distinct_lines(batch: Batch, key: str) -> Upload | None:
    """Return the upload of one column: each of its values once, with all the rows that have it.

    None if no row of the batch has a value there. Lines are ordered by their first rows, so that the same batch
    gives the same upload.
    """
    column = batch.columns.column(key).combine_chunks()
    valid = pc.is_valid(column)
    table = pa.table({"value": column.filter(valid).cast(pa.string()), "row": batch.rows.filter(valid)})
    if not table.num_rows:
        return None
    lines = table.group_by("value", use_threads=False).aggregate([("row", "list")])
    return batch.upload(key, pa.table({key: lines["value"]}), lines["row_list"].combine_chunks())
