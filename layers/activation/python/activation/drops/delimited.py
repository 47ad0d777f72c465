"""CSV, TSV and single-column lists: blocks of records parsed into text columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from activation.drops.blocks import CursorAfter, Records
from activation.drops.chunk import Chunk
from activation.drops.records import Split
from activation.drops.screen import screened
from activation.drops.text import Text
from activation.model import Cursor

# A list has one column: no character may divide its lines. This one is in no text that people write.
LIST_DELIMITER = "\x1f"


@dataclass(frozen=True)
class DelimitedReader:
    """A delimited text, opened; `body` is the offset of its first byte behind the header.

    A cell without text is "" (never null): blank, whether it was quoted or not.
    """

    format: str
    header: tuple[str, ...]
    text: Text
    body: int
    delimiter: str
    _keys: list[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Arrow wants names that differ, which a header's blank ones do not.
        object.__setattr__(self, "_keys", [str(index) for index in range(len(self.header))])

    def chunks(self, start: Cursor) -> Iterator[Chunk]:
        """Stream the rows behind `start`; raises Rejected at a row that cannot be read, Retryable by S3."""
        return Records(self.text, self.body, self.delimiter, self._parse).chunks(start)

    def _parse(self, records: Split, first_row: int, cursor_after: CursorAfter) -> Chunk | None:
        data = pa.py_buffer(records.block).slice(0, records.end)
        if not records.end or (records.block[0] in b"\r\n" and not len(records.starts)):
            return None
        if self.text.encoding != "utf-8":
            data = pa.py_buffer(records.block[: records.end].decode(self.text.encoding, "replace").encode())
        ragged: list[int] = []
        try:
            columns = self._columns(data, pa.string(), ragged)
        except pa.ArrowInvalid:
            # Some cell is not UTF-8; as bytes the rows can be told apart.
            ragged.clear()
            columns = self._columns(data, pa.binary(), ragged)
        count = len(columns[0]) + len(ragged)
        rows = pa.arange(first_row, first_row + count)
        malformed = {first_row + index: "ragged_row" for index in ragged}
        if malformed:
            rows = rows.filter(pc.invert(pc.is_in(rows, pa.array(sorted(malformed), pa.int64()))))
        suspects = [] if b"\0" not in records.block else [("\0", "nul_in_cell")]
        if self.text.encoding != "utf-8":
            suspects.append(("\ufffd", "not_utf8"))
        columns, rows = screened(columns, rows, malformed, suspects)
        batch = pa.RecordBatch.from_arrays(columns, names=list(self.header))
        return Chunk(first_row, count, batch, rows, cursor_after, malformed)

    def _columns(self, data: pa.Buffer, type_: pa.DataType, ragged: list[int]) -> list[pa.Array]:
        """Parse a block; the indexes of rows of another width go to `ragged`."""

        def skip(row: pa.csv.InvalidRow) -> str:
            ragged.append(row.number - 1)
            return "skip"

        table = pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(
                # One block, read by this thread: the rows of a chunk stay together and are numbered.
                use_threads=False,
                block_size=data.size + 1,
                column_names=self._keys,
            ),
            parse_options=pa.csv.ParseOptions(delimiter=self.delimiter, invalid_row_handler=skip),
            convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(self._keys, type_)),
        )
        return [column.combine_chunks() for column in table.columns]
