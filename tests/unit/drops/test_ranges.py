"""A drop read in pieces is the drop read in one go: every row once, with its number in the file."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.drops.chunk import DropReader
from activation.drops.delimited import DelimitedReader
from activation.drops.json_lines import JsonLinesReader
from activation.drops.limits import ReadLimits
from activation.drops.open import open_drop
from activation.drops.parquet_file import ParquetReader
from activation.drops.ranges import (
    Piece,
    TextReader,
    piece_chunks,
    range_count,
    row_group_pieces,
    settle,
    survey,
)
from activation.drops.source import BytesSource
from activation.drops.survey import Survey
from activation.drops.text import Text
from activation.records import from_json, to_json
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.drops.reading import Read, read


def pieces_of(reader: TextReader, range_bytes: int) -> tuple[Piece, ...] | None:
    """Survey every range, pass the reports through JSON as a ledger would, and settle them."""
    count = range_count(reader, range_bytes)
    reports = [to_json(survey(reader, index, range_bytes)) for index in range(count)]
    surveys = [from_json(report, Survey) for report in reversed(reports)]
    return settle(surveys, reader.text.limits.record_bytes)


class Part:
    """A piece of a drop as a reader of its own."""

    def __init__(self, reader: DropReader, piece: Piece) -> None:
        self.format, self.header, self.nested = reader.format, reader.header, reader.nested
        self.chunks = lambda start: piece_chunks(reader, piece, start)
        self.piece = piece

    def read(self) -> Read:
        """Read the piece, and once more from each of its rows."""
        whole = read(self, self.piece.start)
        assert whole.count == self.piece.rows
        for row, cursor in whole.cursors.items():
            rest = read(self, cursor)
            assert rest.rows == {number: cells for number, cells in whole.rows.items() if number > row}
        return whole


def together(reader: DropReader, pieces: tuple[Piece, ...]) -> Read:
    """Read all pieces, checking that they follow on each other."""
    out = Read()
    row = 0
    for piece in pieces:
        assert piece.start.row == row
        part = Part(reader, piece).read()
        assert part.refusal is None
        out.rows.update(part.rows)
        out.malformed.update(part.malformed)
        row += piece.rows
    return out


TEXT = st.text(st.sampled_from('ab"",\n\n\ré'), max_size=120)
CELL = st.sampled_from(['"x"', '"a\nb"', '"\n"', '""', "y", '"q""\n""r"'])
CELLS = st.lists(st.lists(CELL, min_size=2, max_size=2))


@given(
    text=st.one_of(TEXT, CELLS.map(lambda rows: "\n".join(map(",".join, rows)))),
    range_bytes=st.integers(1, 50),
    block_bytes=st.integers(1, 40),
    record_bytes=st.sampled_from([12, 1_000]),
)
@example(text='a,"\n\n\n\n\n\n"\nb,c\n', range_bytes=2, block_bytes=3, record_bytes=1_000)
@example(text='a,"\n\n\n\n\n\n\n\n\n\n"\nb,c\n', range_bytes=2, block_bytes=3, record_bytes=12)
@example(
    text='"x","x"\n' * 5 + '"x","a\nb"\n"x","q""\n""r"\n"x","x"', range_bytes=21, block_bytes=17, record_bytes=12
)
@example(text='a,b\nc,"d\ne,f"g\nh,i\n', range_bytes=9, block_bytes=3, record_bytes=1_000)
@example(text='a,b\nc,"d\ne,f\nh,i\n', range_bytes=9, block_bytes=3, record_bytes=12)
@settings(max_examples=150, deadline=None)
def test_pieces_of_any_csv_are_the_file(text: str, range_bytes: int, block_bytes: int, record_bytes: int) -> None:
    """However quotes and borders fall, the pieces give the file's rows; a file with a fault has no pieces."""
    limits = ReadLimits(block_bytes=block_bytes, record_bytes=record_bytes)
    reader = DelimitedReader("csv", ("x", "y"), Text(BytesSource(text.encode()), limits), 0, ",")
    whole = read(reader)
    pieces = pieces_of(reader, range_bytes)
    if whole.refusal is not None or "quote_not_closed" in whole.malformed.values():
        assert pieces is None
        return
    assert pieces is not None
    parts = together(reader, pieces)
    assert (parts.rows, parts.malformed) == (whole.rows, whole.malformed)


def test_a_csv_of_many_embedded_line_ends_is_cut_in_pieces_of_its_own_size() -> None:
    """Borders that fall in quoted cells do not keep a file from being shared out."""
    rows = b"".join(b'%d,"line one, ""quoted""\nline two\n"\n' % row for row in range(1, 401))
    reader = open_drop(BytesSource(b"id,text\n" + rows), limits=ReadLimits(block_bytes=700))
    assert isinstance(reader, DelimitedReader)
    pieces = pieces_of(reader, 1_600)
    assert pieces is not None
    assert len(pieces) == range_count(reader, 1_600) == 10
    assert max(piece.rows for piece in pieces) < 2 * min(piece.rows for piece in pieces[:-1])
    assert together(reader, pieces).rows == read(reader).rows


def test_json_lines_are_cut_at_any_line() -> None:
    """Quotes mean nothing to where a JSON line ends."""
    lines = b"".join(b'{"id":%d,"t":"\\"\\n"}\r\n' % row for row in range(1, 101)) + b"{broken\r\n"
    reader = open_drop(BytesSource(lines))
    assert isinstance(reader, JsonLinesReader)
    pieces = pieces_of(reader, 300)
    assert pieces is not None
    assert len(pieces) == range_count(reader, 300)
    parts = together(reader, pieces)
    assert parts.rows == read(reader).rows
    assert parts.malformed == {101: "bad_json"}


@pytest.mark.parametrize("range_bytes", [1, 5_000, 10**9])
def test_parquet_is_cut_at_row_groups(range_bytes: int) -> None:
    """The footer says where the pieces are; nothing has to be surveyed."""
    file = io.BytesIO()
    pq.write_table(pa.table({"id": range(1, 5_001)}), file, row_group_size=700)
    reader = open_drop(BytesSource(file.getvalue()))
    assert isinstance(reader, ParquetReader)
    pieces = row_group_pieces(reader, range_bytes)
    assert len(pieces) == {1: 8, 10**9: 1}.get(range_bytes, len(pieces))
    parts = Read()
    for piece in pieces:
        parts.rows.update(read(Part(reader, piece), piece.start).rows)
    assert parts.rows == read(reader).rows


def test_what_cannot_be_split_is_one_range() -> None:
    """A compressed text and a Parquet file have no byte ranges."""
    file = io.BytesIO()
    pq.write_table(pa.table({"id": [1]}), file)
    utf16 = "id,x\n1,2\n".encode("utf-16")
    assert [range_count(open_drop(BytesSource(data)), 2) for data in (file.getvalue(), utf16)] == [1, 1]
    assert range_count(open_drop(BytesSource(b"id\n" + b"1\n" * 5)), 3) == 4
