"""Delimited text read in any blocks and from any cursor is what Python's csv module reads in one go.

But for rows that differ from the header by blank cells at their end, which are made as wide as the header, and for
rows whose quotes are out of place, which do not end the file.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

import pytest
from activation.drops import blocks, records
from activation.drops.delimited import DelimitedReader
from activation.drops.limits import ReadLimits
from activation.drops.source import BytesSource
from activation.drops.text import Text
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.drops.reading import Read, read

CELLS = st.text(st.sampled_from('ab "\n\r,;\té€🙂\x0b\x1c\u2028\ufeff'), max_size=6)
RAW_TEXT = st.text(st.sampled_from('a"\n\r,é\0\ufeff'), max_size=60)


@dataclass
class Expected:
    """What Python's csv module makes of a text."""

    rows: dict[int, tuple[str, ...]] = field(default_factory=dict)
    malformed: dict[int, str] = field(default_factory=dict)
    broken: bool = False


def expected(text: str, width: int, delimiter: str) -> Expected:
    """Read with Python's csv module, strict; empty lines are no rows, and blank ends make no difference.

    Of a row that cannot be read its first line alone is left out, when the next one is a row by itself.
    """
    out = Expected()
    lines = list(io.StringIO(text, newline=""))
    while lines:
        rest = _read_on(out, lines, width, delimiter)
        while rest and not rest[0].strip("\r\n"):
            del rest[0]
        out.broken = bool(lines) and rest is not None and not _is_row(rest[:1], width, delimiter)
        if rest is None or out.broken:
            break
        out.malformed[len(out.rows) + len(out.malformed) + 1] = "quote_not_closed"
        lines = rest
    return out


def _read_on(out: Expected, lines: list[str], width: int, delimiter: str) -> list[str] | None:
    """Read rows until one cannot be read; return the lines after its first one, None at the end."""
    parser = csv.reader(lines, delimiter=delimiter, strict=True)
    begin = 0
    try:
        for row in parser:
            begin = parser.line_num
            if row:
                number = len(out.rows) + len(out.malformed) + 1
                lone = len(row) == 1 < width and len(row[0].split()) > 1 and any(map(str.isalpha, row[0]))
                if lone or any(cell.strip() for cell in row[width:]):
                    out.malformed[number] = "ragged_row"
                    continue
                cells = tuple((row + [""] * width)[:width])
                if any("\0" in cell for cell in cells):
                    out.malformed[number] = "nul_in_cell"
                else:
                    out.rows[number] = cells
    except csv.Error:
        return lines[begin + 1 :]
    return None


def _is_row(line: list[str], width: int, delimiter: str) -> bool:
    """Return whether a line has the width of a row by itself, wherever its quotes are."""
    texts = [one.rstrip("\r\n") for one in line]
    return [len(cells) for cells in csv.reader(texts, delimiter=delimiter)] == [width]


def reader(text: str, width: int, delimiter: str, block_bytes: int) -> DelimitedReader:
    """Open a text without a header."""
    limits = ReadLimits(block_bytes=block_bytes)
    header = tuple(f"c{index}" for index in range(width))
    return DelimitedReader("csv", header, Text(BytesSource(text.encode()), limits), 0, delimiter)


def check(text: str, width: int, delimiter: str, block_bytes: int) -> Read:
    """Compare a read with Python's, then every read from a cursor with the first."""
    opened = reader(text, width, delimiter, block_bytes)
    whole = read(opened)
    oracle = expected(text, width, delimiter)
    assert whole.rows == oracle.rows
    assert whole.malformed == oracle.malformed
    assert (whole.refusal is not None) == oracle.broken
    if whole.refusal is not None:
        assert whole.refusal.code == "unterminated_quote"
        assert f"Row {whole.count + 1} " in whole.refusal.sentence
    for row, cursor in whole.cursors.items():
        assert cursor.row == row
        rest = read(opened, cursor)
        assert rest.rows == {number: cells for number, cells in whole.rows.items() if number > row}
        assert rest.malformed == {number: code for number, code in whole.malformed.items() if number > row}
        assert (rest.refusal and rest.refusal.sentence) == (whole.refusal and whole.refusal.sentence)
    return whole


@given(
    table=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8)
    ),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    last_line_end=st.booleans(),
    block_bytes=st.integers(1, 200),
)
@settings(max_examples=100, deadline=None)
def test_tables_written_by_python_are_read_the_same(  # noqa: PLR0917 -- hypothesis gives each by its name
    table: list[list[str]], quoting: int, delimiter: str, line_end: str, last_line_end: bool, block_bytes: int
) -> None:
    """A table in any quoting, delimiter and line end is read alike in blocks of any size, from any cursor."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(table)  # type: ignore[arg-type] # quoting is a literal type
    text = file.getvalue() if last_line_end else file.getvalue().removesuffix(line_end)
    check(text, len(table[0]), delimiter, block_bytes)


@given(text=RAW_TEXT, width=st.integers(1, 3), block_bytes=st.integers(1, 80), window_bytes=st.integers(1, 9))
@example(text='a,b\n"x', width=2, block_bytes=3, window_bytes=1)
@example(text='a,6" nail\nb,"c\n"\n', width=2, block_bytes=4, window_bytes=1)
@example(text='"a"\r\n\r\n"b"x\n', width=1, block_bytes=1, window_bytes=1)
@example(text='"\n"\n"",""\n', width=1, block_bytes=2, window_bytes=1)
@example(text='"a"b\n"c\nd"\n\n"e\nf\n', width=1, block_bytes=80, window_bytes=2)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_as_python_reads_it(
    text: str, width: int, block_bytes: int, window_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stray quotes, ragged rows, NULs and open quotes end in the same rows, codes and refusal as in Python."""
    monkeypatch.setattr(blocks, "_WINDOW_BYTES", window_bytes)
    check(text, width, ",", block_bytes)


@given(
    data=st.lists(st.sampled_from([b"a", b'"', b",", b"\n", b"\r", b"\xe9", b"\xc3\xa9", b"\0"]), max_size=40),
    block_bytes=st.integers(1, 60),
)
@settings(max_examples=100, deadline=None)
def test_rows_that_are_not_utf8_are_told_apart(data: list[bytes], block_bytes: int) -> None:
    """A row with bytes that are not UTF-8 is malformed, its neighbours are read, whatever else is wrong."""
    stored = b"".join(data)
    limits = ReadLimits(block_bytes=block_bytes)
    text = Text(BytesSource(stored), limits)
    whole = read(DelimitedReader("csv", ("x", "y"), text, 0, ","))
    # Each stray byte becomes a character of its own, which Python's csv module takes for a letter.
    oracle = expected(stored.decode(errors="surrogateescape"), 2, ",")
    bad = {
        number: "not_utf8"
        for number, cells in oracle.rows.items()
        if any(0xDC80 <= ord(letter) <= 0xDCFF for cell in cells for letter in cell)
    }
    assert whole.rows == {number: cells for number, cells in oracle.rows.items() if number not in bad}
    assert whole.malformed.keys() == bad.keys() | oracle.malformed.keys()
    assert {number: whole.malformed[number] for number in bad} == bad
    for row, cursor in whole.cursors.items():
        rest = read(DelimitedReader("csv", ("x", "y"), text, 0, ","), cursor)
        assert rest.malformed == {number: code for number, code in whole.malformed.items() if number > row}


@given(text=RAW_TEXT, slice_bytes=st.integers(1, 9))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parity_and_scan_agree(text: str, slice_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the parity of quotes decides, it decides as the walk over every cell does, slice by slice."""
    monkeypatch.setattr(records, "_SLICE_BYTES", slice_bytes)
    block = text.encode()
    for final in (False, True):
        quick, slow = records.split(block, ",", final=final), records._by_scan(block, ",", final)
        assert (quick.end, quick.is_open, quick.is_broken) == (slow.end, slow.is_open, slow.is_broken)
        assert quick.starts.equals(slow.starts)
        assert quick.stops.equals(slow.stops)
