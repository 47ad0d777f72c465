"""Rows: counted as a CSV reader counts them, whatever the blocks are cut into."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from activation.errors import Rejected
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.ci360 import rows
from lambdas.ci360.rows import Cut, cut

# Python's writer leaves a CR that stands alone unquoted, so there is none.
CELLS = st.text(st.sampled_from('ab,"\n \u00fc\U0001f600'), max_size=6)


def through(data: bytes, columns: int, block_bytes: int) -> tuple[int, bytes]:
    """Read data in blocks as the transfer does; returns the rows and the bytes of all parts together."""
    counted, parts, at = 0, b"", 0
    size = block_bytes
    while True:
        block = data[at : at + size]
        final = at + len(block) == len(data)
        found = cut(block, columns, rows_before=counted, final=final)
        counted += found.rows
        parts += block[: found.end]
        at += found.end
        if final:
            return counted, parts
        size = size if found.end else 2 * size  # the transfer's blocks hold the longest record there may be


@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3).filter(any), max_size=12),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(4, 200),
)
@settings(max_examples=300, deadline=None)
def test_rows_are_those_that_were_written(
    written: list[list[str]], quoting: int, line_end: str, ended: bool, block_bytes: int
) -> None:
    """Cells with commas, quotes and line ends count as one row in any block size, and no byte is lost."""
    text = io.StringIO()
    options: dict[str, Any] = {"quoting": quoting, "lineterminator": line_end}
    csv.writer(text, **options).writerows(written)
    data = text.getvalue().encode()
    if not ended:
        data = data[: -len(line_end)] if data else data
    counted, parts = through(data, 3, block_bytes)
    assert counted == len(written)
    assert parts == data


@pytest.mark.parametrize(
    ("data", "columns", "expected"),
    [
        (b"", 3, 0),
        (b"a,b,c", 3, 1),
        (b"a,b,c\n\n\nd,e,f\n", 3, 2),
        (b"\n\n", 3, 0),
        (b"a\nb\n\nc", 1, 3),
        (b"a,b\rc,d\re,f", 2, 3),
        (b"a,b\r\nc,d\r\n", 2, 2),
        (b'5" pipe,b\n6" pipe,c\n', 2, 2),
        (b'"a ""quoted"" word",b\n', 2, 1),
        (b'"",\n,""\n', 2, 2),
        (b'"a\rb\r\n","c"\r\n', 2, 1),
        (b",,\n", 3, 1),
    ],
)
def test_odd_files_are_counted(data: bytes, columns: int, expected: int) -> None:
    """Blank lines are no rows; a quote within a cell is a letter; a line end may be missing at the end."""
    assert cut(data, columns, rows_before=0, final=True) == Cut(len(data), expected)


@pytest.mark.parametrize(
    ("data", "code", "row"),
    [
        (b"a,b,c\na,b\n", "column_count", 2),
        (b"a\n", "column_count", 1),
        (b"a,b,c\na\n", "column_count", 2),
        (b"a,b,c\n\n\na", "column_count", 2),
        (b"a,b,c\na,b,c,d\na,b\n", "column_count", 2),
        (b'a,b,c\n"a,b",c\n', "column_count", 2),
        (b'a,b,c\n\n"a",b\n', "column_count", 2),
        (b'a,b,c\n"a,b,c\n', "broken_csv", 2),
        (b'"a"x,b,c\n', "broken_csv", 1),
        ("a,b,M\u00fcller\n".encode("latin-1"), "not_utf8", 0),
        (b'"a",b,\xff\n', "not_utf8", 0),
    ],
)
def test_a_row_that_does_not_fit_is_named_by_its_number(data: bytes, code: str, row: int) -> None:
    """The first bad row is told by its number over the whole file, and not by what is in it."""
    with pytest.raises(Rejected) as refused:
        cut(data, 3, rows_before=1000, final=True)
    assert refused.value.code == code
    assert f"row {1000 + row}" in refused.value.sentence


@pytest.mark.parametrize("size", range(4, 12))
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_line_end_on_a_border_counts_once(line_end: str, size: int) -> None:
    """Between CR and LF there is no place to cut, and no row."""
    data = line_end.join(["a,b", "cc,d", "e,ff", "g,h", ""]).encode()
    assert through(data, 2, size) == (4, data)


def test_a_record_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quote that is never closed does not gather the file in memory."""
    monkeypatch.setattr(rows, "MAX_RECORD_BYTES", 100)
    for data in (b'a,"' + b"x\n" * 100, b"a,b" + b"x" * 200):
        with pytest.raises(Rejected) as refused:
            cut(data, 2, rows_before=0, final=False)
        assert refused.value.code == "record_too_long"


def test_letters_on_a_border_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """UTF-8 is checked in pieces, and a letter may lie on the border of two."""
    monkeypatch.setattr(rows, "_DECODED_BYTES", 3)
    data = "\u00fc\U0001f600,\u00fc\n".encode() * 5
    assert cut(data, 2, rows_before=0, final=True).rows == 5


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_a_row_of_another_width_never_passes(widths: list[int], line_end: str, quoted: bool) -> None:
    """The first row that has not three columns is the one that is named, whatever stands around it."""
    data = line_end.join(",".join(['"x"' if quoted else "x"] * width) for width in widths).encode()
    wrong = [number for number, width in enumerate(widths, start=1) if width != 3]
    if not wrong:
        assert cut(data, 3, rows_before=0, final=True).rows == len(widths)
        return
    with pytest.raises(Rejected) as refused:
        cut(data, 3, rows_before=0, final=True)
    assert refused.value.sentence.startswith(f"row {wrong[0]} has {widths[wrong[0] - 1]} columns")
