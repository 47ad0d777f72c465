"""Writing: data lines as files of the drop, rejects as files beside them, counts summed up."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from glue_scripts.normalize import stream
from glue_scripts.normalize.mapping import OutputFormat
from glue_scripts.normalize.storage import Folder
from glue_scripts.normalize.stream import Kind

# A folder that readers of a drop pass over: see activation/drops/sidecars.py.
REPORT_FOLDER = "_activation"
REJECTS_ROWS = 500_000  # of one file of rejects
_COMPRESSION = "zstd"


_LEFT_OVER = re.compile(
    rf"(?:part|{REPORT_FOLDER}/rejects)-\d{{5}}-\d{{3,}}-[0-9a-f]{{8}}\.(?:parquet|csv)|{REPORT_FOLDER}/report\.json"
)


def is_left_over(name: str) -> bool:
    """Return whether an attempt that failed can have left this file of a drop's folder; "" is its mark."""
    return not name or _LEFT_OVER.fullmatch(name) is not None


@dataclass(frozen=True)
class PartStep:
    """Writes the lines of a partition below `folder`.

    `names` are the columns of the data, `files` the names of the export's files. `partition` is a part of the
    names of what is written, which differ by attempt: only what a successful attempt reports is listed.
    """

    folder: Folder
    names: tuple[str, ...]
    files: tuple[str, ...]
    format: OutputFormat
    rows_per_part: int
    partition: int = 0

    def run(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield a line for each file that was written, and the sums of all counts; raises what writing raises."""
        width, attempt = len(self.names), uuid4().hex[:8]
        schema = stream.schema_of(width)
        data, rejects = _Buffer(schema), _Buffer(schema)
        counts: Counter[tuple[str, str]] = Counter()
        numbers = iter(range(1_000_000))
        for batch in batches:
            lines, others = stream.split(batch)
            data.add(lines)
            for one in _only(others, Kind.TALLY).to_pylist():
                counts[one["code"], one["field"]] += one["count"]
            if (failures := _only(others, Kind.FAILURE)).num_rows:
                yield failures
            rejects.add(_only(others, Kind.REJECT))
            while data.rows >= self.rows_per_part:
                yield self._data(
                    data.take(self.rows_per_part), f"{self.partition:05}-{next(numbers):03}-{attempt}"
                )
            while rejects.rows >= REJECTS_ROWS:
                yield self._rejects(
                    rejects.take(REJECTS_ROWS), f"{self.partition:05}-{next(numbers):03}-{attempt}"
                )
        if data.rows:
            yield self._data(data.take(data.rows), f"{self.partition:05}-{next(numbers):03}-{attempt}")
        if rejects.rows:
            yield self._rejects(rejects.take(rejects.rows), f"{self.partition:05}-{next(numbers):03}-{attempt}")
        yield stream.tallies([(code, of, count) for (code, of), count in sorted(counts.items())], width)

    def _data(self, lines: pa.Table, name: str) -> pa.RecordBatch:
        fixed = len(stream.FIXED)
        columns = [lines.column(fixed + index) for index in range(len(self.names))]
        table = pa.table(columns, names=list(self.names))
        content = io.BytesIO()
        if self.format is OutputFormat.PARQUET:
            pq.write_table(table, content, compression=_COMPRESSION)
        else:
            pyarrow.csv.write_csv(table, content)
        return self._written(f"part-{name}.{self.format}", content.getvalue(), lines.num_rows)

    def _rejects(self, lines: pa.Table, name: str) -> pa.RecordBatch:
        files = pa.array(self.files, pa.string())
        lines = lines.sort_by("row")
        table = pa.table(
            {
                "row": lines["row"],
                "column": lines["field"],
                "code": lines["code"],
                "file": files.take(lines["file"].combine_chunks()),
                "row_in_file": lines["row_in_file"],
            }
        )
        content = io.BytesIO()
        pyarrow.csv.write_csv(table, content)
        return self._written(f"{REPORT_FOLDER}/rejects-{name}.csv", content.getvalue(), lines.num_rows)

    def _written(self, name: str, content: bytes, rows: int) -> pa.RecordBatch:
        self.folder.write(name, content)
        return stream.part(name, rows, len(content), len(self.names))


class _Buffer:
    """Lines that wait for being written."""

    def __init__(self, schema: pa.Schema) -> None:
        self.rows = 0
        self._schema = schema
        self._batches: list[pa.RecordBatch] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take lines."""
        if batch.num_rows:
            self._batches.append(batch)
            self.rows += batch.num_rows

    def take(self, count: int) -> pa.Table:
        """Return the first `count` lines, which do not wait any longer."""
        table = pa.Table.from_batches(self._batches, self._schema)
        self._batches = table.slice(count).to_batches()
        self.rows -= count
        return table.slice(0, count)


def _only(batch: pa.RecordBatch, kind: Kind) -> pa.RecordBatch:
    return batch.filter(pc.equal(batch.column(0), kind.value))
