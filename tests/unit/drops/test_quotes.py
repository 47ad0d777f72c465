r"""Quotes behind a backslash, as Spark, Glue, Hive and MySQL write them, beside quotes that are doubled.

Cases after https://github.com/databricks/spark-csv/issues/466 and https://github.com/davidsantiago/clojure-csv/issues/40.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from activation.drops.delimited import DelimitedReader
from activation.drops.limits import ReadLimits
from activation.drops.open import open_drop
from activation.drops.quotes import Escape, Quotes
from activation.drops.ranges import range_count
from activation.drops.source import BytesSource
from activation.drops.text import Text
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.drops.reading import read
from tests.unit.drops.test_ranges import pieces_of, together

HEADER = ("email", "first_name", "company")


def opened(text: str, **limits: int) -> DelimitedReader:
    """Open a text as a drop."""
    reader = open_drop(BytesSource(text.encode()), limits=ReadLimits(**limits))
    assert isinstance(reader, DelimitedReader)
    return reader


def with_backslashes(table: list[tuple[str, ...]], *, quote_all: bool = False, delimiter: str = ",") -> str:
    r"""Write a table as Spark does: a cell that needs quotes gets them, and in it \" and \\ stand for " and \."""

    def cell(text: str) -> str:
        if not quote_all and text and not set(text) & {'"', "\n", "\r", "\\", delimiter}:
            return text
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "".join(delimiter.join(map(cell, row)) + "\n" for row in table)


def doubled(table: list[tuple[str, ...]]) -> str:
    """Write a table as RFC 4180 has it."""
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(table)
    return file.getvalue()


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('a@example.org,"Ana \\"Annie\\", Jr",x', ("a@example.org", 'Ana "Annie", Jr', "x")),
        ('a@example.org,"\\"Ana\\"",x', ("a@example.org", '"Ana"', "x")),
        ('a@example.org,"Monitor 5\\"",x', ("a@example.org", 'Monitor 5"', "x")),
        ('a@example.org,"5\\", wide",x', ("a@example.org", '5", wide', "x")),
        ('a@example.org,"5\\"\nwide",x', ("a@example.org", '5"\nwide', "x")),
        ('a@example.org,"5\\"",""', ("a@example.org", '5"', "")),
        ('"\\"a\\"@example.org",b,"say \\"hi\\""', ('"a"@example.org', "b", 'say "hi"')),
        ('a@example.org,"C:\\\\ \\"x\\"",y', ("a@example.org", 'C:\\ "x"', "y")),
        ('a@example.org,"line\\nfeed \\"x\\"",y', ("a@example.org", 'line\\nfeed "x"', "y")),
        ("a@example.org,C:\\temp\\,y", ("a@example.org", "C:\\temp\\", "y")),
        ('a@example.org,"C:\\",y', ("a@example.org", "C:\\", "y")),
        ('a@example.org,"C:\\","D:\\"', ("a@example.org", "C:\\", "D:\\")),
        ('a@example.org,"say ""hi""","D:\\"', ("a@example.org", 'say "hi"', "D:\\")),
        ('a@example.org,6" nails,5\\" bolts', ("a@example.org", '6" nails', '5\\" bolts')),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 5_000])
def test_a_quoted_cell_is_read_as_it_was_written(line: str, cells: tuple[str, ...], before: int) -> None:
    """One such row alone, or far behind the file's first part, is read, and so are its neighbours."""
    plain = ("b@example.org", "Bo", "Lind AB")
    text = ",".join(HEADER) + "\n" + (",".join(plain) + "\n") * before + line + "\n" + ",".join(plain) + "\n"
    result = read(opened(text, head_bytes=4_096))
    assert (result.malformed, result.refusal) == ({}, None)
    assert result.rows[before + 1] == cells
    assert result.rows[before + 2] == plain
    assert result.count == before + 2


def test_a_file_that_escapes_is_unescaped_throughout() -> None:
    """Where one row shows how the file writes quotes, a doubled backslash elsewhere stands for one, too."""
    text = 'email,first_name,company\na@example.org,Ana,"Ruiz \\"Fast\\" Ltd"\nc@example.org,Cy,"Path C:\\\\"\n'
    reader = opened(text)
    assert reader.quotes.escape is Escape.BACKSLASH
    assert read(reader).rows[2] == ("c@example.org", "Cy", "Path C:\\")


def test_a_file_of_doubled_quotes_keeps_its_backslashes() -> None:
    """A backslash before a closing quote is a letter in RFC 4180, and stays two where it is two."""
    text = doubled([HEADER, ("a@example.org", "C:\\", "x, y"), ("b@example.org", 'say "hi"', "a\\\\b, c\\")])
    reader = opened(text)
    assert reader.quotes.escape is Escape.DOUBLED
    assert read(reader).rows == {
        1: ("a@example.org", "C:\\", "x, y"),
        2: ("b@example.org", 'say "hi"', "a\\\\b, c\\"),
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_header_may_have_quotes_behind_backslashes(delimiter: str) -> None:
    """The header is written as the rows are."""
    text = with_backslashes([("email", 'the "first" name'), ("a@example.org", 'Ana "A" B')], delimiter=delimiter)
    reader = opened(text)
    assert reader.header == ("email", 'the "first" name')
    assert read(reader).rows == {1: ("a@example.org", 'Ana "A" B')}


def test_a_list_may_be_quoted() -> None:
    """One value a line, each in quotes."""
    reader = open_drop(BytesSource(b'"a\\"b"\n"c"\n'), single="EXTERN_ID")
    assert read(reader).rows == {1: ('a"b',), 2: ("c",)}


# Realistic cells: marks, inches, nicknames, paths, line ends. The first row of each table leaves no doubt.
CELLS = st.lists(
    st.sampled_from(["Ana", " ", '"', "\\", '5"', "C:\\dir\\", ",", "\n", "é", "\\n", "''"]), max_size=4
).map("".join)
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8)


def agree(text: str, table: list[tuple[str, ...]], block_bytes: int, range_bytes: int) -> None:
    """Compare a text with what it was written from: whole, from every cursor, and cut in pieces."""
    reader = opened(text, block_bytes=block_bytes)
    whole = read(reader)
    assert whole.refusal is None
    assert list(whole.rows.values()) == table
    for row, cursor in whole.cursors.items():
        assert read(reader, cursor).rows == {number: cells for number, cells in whole.rows.items() if number > row}
    pieces = pieces_of(reader, range_bytes)
    assert pieces is not None
    assert together(reader, pieces).rows == whole.rows


@given(table=TABLES, block_bytes=st.integers(1, 90), range_bytes=st.integers(1, 60), quote_all=st.booleans())
@example(table=[('5"', '"', "\\"), ("\\", '\\"', '"\\')], block_bytes=3, range_bytes=2, quote_all=True)
@settings(max_examples=60, deadline=None)
def test_tables_with_backslashes_are_read_in_any_pieces(
    table: list[tuple[str, ...]], block_bytes: int, range_bytes: int, *, quote_all: bool
) -> None:
    """A table written with backslashes comes back cell by cell, however it is cut."""
    sure = ("sure", 'a "b" c', "x")
    table = [sure, *table]
    agree(with_backslashes([HEADER, *table], quote_all=quote_all), table, block_bytes, range_bytes)


@given(table=TABLES, block_bytes=st.integers(1, 90), range_bytes=st.integers(1, 60))
@example(table=[("\\", "\\,", '\\"')], block_bytes=3, range_bytes=2)
@settings(max_examples=60, deadline=None)
def test_tables_of_doubled_quotes_are_read_in_any_pieces(
    table: list[tuple[str, ...]], block_bytes: int, range_bytes: int
) -> None:
    """A table written as RFC 4180 has it comes back cell by cell, backslashes and all."""
    sure = ("sure", 'C:\\, "x\\"', "y\\, z")
    table = [sure, *table]
    agree(doubled([HEADER, *table]), table, block_bytes, range_bytes)


TEXT = st.text(st.sampled_from('ab"\\\\""\\,\n\né'), max_size=80)


@given(
    text=TEXT,
    escape=st.sampled_from(Escape),
    block_bytes=st.integers(1, 40),
    range_bytes=st.integers(1, 40),
    record_bytes=st.sampled_from([12, 1_000]),
)
@example(text='a,"\\"b\nc",d\n', escape=Escape.OPEN, block_bytes=3, range_bytes=2, record_bytes=12)
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_alike_in_any_pieces(
    text: str, escape: Escape, block_bytes: int, range_bytes: int, record_bytes: int
) -> None:
    """Whatever the quotes are about: blocks, cursors and pieces give the rows of the text read in one go."""
    quotes = Quotes(escape, columns=2, record_bytes=record_bytes)
    stored = BytesSource(text.encode())
    big = ReadLimits(record_bytes=record_bytes)
    at_once = read(DelimitedReader("csv", ("x", "y"), Text(stored, big), 0, ",", quotes))
    cut = Text(stored, replace(big, block_bytes=block_bytes))
    reader = DelimitedReader("csv", ("x", "y"), cut, 0, ",", quotes)
    whole = read(reader)
    assert (whole.rows, whole.malformed) == (at_once.rows, at_once.malformed)
    assert (whole.refusal and whole.refusal.sentence) == (at_once.refusal and at_once.refusal.sentence)
    for row, cursor in whole.cursors.items():
        rest = read(reader, cursor)
        assert rest.rows == {number: cells for number, cells in whole.rows.items() if number > row}
        assert rest.malformed == {number: code for number, code in whole.malformed.items() if number > row}
    pieces = pieces_of(reader, range_bytes)
    if whole.refusal is not None:
        assert pieces is None
    elif pieces is not None:
        parts = together(reader, pieces)
        assert (parts.rows, parts.malformed) == (whole.rows, whole.malformed)


def test_a_large_file_with_few_such_quotes_is_cut_in_pieces() -> None:
    """Where the first part tells nothing, the pieces still give every row its number."""
    rows = [
        (f"p{n}@example.org", "Ana", 'Ruiz "Fast" Ltd' if n % 400 == 399 else "Lind, Bo") for n in range(1_500)
    ]
    reader = opened(with_backslashes([HEADER, *rows]), head_bytes=2_000, block_bytes=10_000)
    assert reader.quotes.escape is Escape.OPEN
    pieces = pieces_of(reader, 12_000)
    assert pieces is not None
    assert len(pieces) == range_count(reader, 12_000) > 4
    assert list(together(reader, pieces).rows.values()) == rows
