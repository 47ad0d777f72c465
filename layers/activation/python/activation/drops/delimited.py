"""CSV, TSV and single-column lists: blocks of records parsed into text columns."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.csv

from activation.drops.blocks import CursorAfter, Records
from activation.drops.chunk import Chunk
from activation.drops.even_lines import even_lines
from activation.drops.mending import with_mended
from activation.drops.quotes import DOUBLED, Escape, Quotes
from activation.drops.records import Split, split
from activation.drops.screen import decoded, is_utf8, left, not_utf8, screened
from activation.drops.text import Text
from activation.model import Cursor

# A list has one column: no character may divide its lines. This one is in no text that people write.
LIST_DELIMITER = "\x1f"


@dataclass(frozen=True)
class DelimitedReader:
    """A delimited text, opened; `body` is the offset of its first byte after the header.

    A cell without text is "" (never null): blank, whether it was quoted or not. `only` are the indexes of the
    columns that are wanted, none for all: the cells of the others may be blank.
    """

    format: str
    header: tuple[str, ...]
    text: Text
    body: int
    delimiter: str
    quotes: Quotes = DOUBLED
    only: frozenset[int] = frozenset()
    _keys: list[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Arrow wants names that differ, which a header's blank ones do not.
        object.__setattr__(self, "_keys", [str(index) for index in range(len(self.header))])

    @property
    def nested(self) -> tuple[str, ...]:
        """Return nothing: a cell of text holds no list."""
        return ()

    def chunks(self, start: Cursor) -> Iterator[Chunk]:
        """Stream the rows after `start`; raises Rejected at a row that cannot be read, Retryable by S3."""
        width = len(self.header)
        parse, unreadable = self._parse, self._unreadable
        return Records(self.text, self.body, self.delimiter, parse, self.quotes, unreadable, width).chunks(start)

    def _unreadable(self, behind: Cursor) -> Chunk:
        """Return the chunk of one row with a quote out of place."""
        nothing = [pa.array([], pa.string()) for _ in self.header]
        batch = pa.RecordBatch.from_arrays(nothing, names=list(self.header))
        rows = pa.array([], pa.int64())
        return Chunk(behind.row, 1, batch, rows, lambda _: behind, {behind.row: "quote_not_closed"})

    def _parse(self, records: Split, first_row: int, cursor_after: CursorAfter) -> Chunk | None:
        if not records.end or (records.block[0] in b"\r\n" and not len(records.starts)):
            return None
        if records.escaped:
            strict = replace(self.quotes, escape=Escape.DOUBLED)
            records = split(records.doubled(self.delimiter), self.delimiter, final=True, quotes=strict)
        block, replaced = records.block, False
        if self.text.encoding != "utf-8":
            block, replaced = decoded(block[: records.end], self.text.encoding)
            data, undecodable = pa.py_buffer(block), []
        else:
            data = pa.py_buffer(block).slice(0, records.end)
            undecodable = [] if block.isascii() or is_utf8(data) else not_utf8(records)
            if undecodable:
                data = _without(records, undecodable)
        lines = None if undecodable or self.delimiter != LIST_DELIMITER else self._lines(block, data.size)
        has_nul = b"\0" in block
        reader = replace(self, only=frozenset()) if replaced or has_nul else self
        columns, ragged, mended = reader._columns(data) if lines is None else ([lines], [], [])
        count = len(columns[0]) + len(ragged) + len(undecodable)
        rows = pa.arange(first_row, first_row + count)
        malformed = {first_row + index: "not_utf8" for index in undecodable}
        if malformed:
            rows = left(rows, malformed)
        mended_rows = rows.take(pa.array(mended, pa.int64()))
        if ragged:
            malformed.update((rows[index].as_py(), "ragged_row") for index in ragged)
            rows = left(rows, malformed)
        suspects = [("\0", "nul_in_cell")] if has_nul else []
        if replaced:
            suspects.append(("\ufffd", "not_utf8"))
        columns, rows = screened(columns, rows, malformed, suspects)
        batch = pa.RecordBatch.from_arrays(columns, names=list(self.header))
        return Chunk(first_row, count, batch, rows, cursor_after, malformed, left(mended_rows, malformed))

    def _lines(self, block: bytes, end: int) -> pa.Array | None:
        """Take a list apart the short way, where that is sure."""
        return None if block.startswith(BOM_UTF8) else even_lines(block, end, self.delimiter.encode())

    def _columns(self, data: pa.Buffer) -> tuple[list[pa.Array], list[int], list[int]]:
        """Parse records that are UTF-8: the columns, and the indexes that `with_mended` returns."""
        if not data.size:
            return [pa.array([], pa.string()) for _ in self._keys], [], []
        odd: list[pa.csv.InvalidRow] = []

        def skip(row: pa.csv.InvalidRow) -> str:
            odd.append(row)
            return "skip"

        if data.slice(0, min(3, data.size)).to_pybytes() == BOM_UTF8:
            # Arrow would take the mark off the front of any block; after an empty line it is a letter.
            data = pa.py_buffer(b"\n" + data.to_pybytes())
        table = pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(
                # One block, read by this thread: the rows of a chunk stay together and are numbered.
                use_threads=False,
                block_size=data.size + 1,
                column_names=self._keys,
            ),
            parse_options=pa.csv.ParseOptions(delimiter=self.delimiter, invalid_row_handler=skip),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(self._keys, pa.string()),
                check_utf8=False,
                include_columns=[self._keys[index] for index in sorted(self.only)],
            ),
        )
        if self.only and odd:  # which cells are missing is judged by whole rows
            return replace(self, only=frozenset())._columns(data)
        # Each is in one piece, of which `combine_chunks` would make a copy.
        columns = [
            column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns
        ]
        if self.only:
            blank, found = (
                pa.repeat(pa.scalar(""), table.num_rows),
                dict(zip(sorted(self.only), columns, strict=True)),
            )
            columns = [found.get(index, blank) for index in range(len(self.header))]
        return with_mended(columns, odd, self.delimiter) if odd else (columns, [], [])


def _without(records: Split, excluded: list[int]) -> pa.Buffer:
    """Copy a block without some of its records; empty when none is left."""
    if len(excluded) == len(records.starts):
        return pa.py_buffer(b"")
    kept = []
    begin = 0
    for index in excluded:
        kept.append(records.block[begin : records.starts[index].as_py()])
        begin = records.stops[index].as_py()
    return pa.py_buffer(b"".join([*kept, records.block[begin : records.end]]))
