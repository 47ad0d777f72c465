"""Where rows end, told from the widths of their cells: only where the text is nothing but cells."""

from __future__ import annotations

import pyarrow as pa
import pytest
from activation.drops.chunk import Chunk
from activation.drops.row_ends import end_of_row, plain_offsets
from activation.model import Cursor


def chunk(rows: list[tuple[str, str]], *, malformed: bool = False) -> Chunk:
    """Return a chunk of two columns that are slices of longer ones."""
    columns = [pa.array(["before", *(row[place] for row in rows)])[1:] for place in range(2)]
    batch = pa.RecordBatch.from_arrays(columns, names=["a", "b"])
    return Chunk(1, len(rows), batch, pa.arange(1, len(rows) + 1), Cursor, {1: "x"} if malformed else {})


ROWS = [("anna", "1"), ("", ""), ("é", "22")]
TEXT = "anna,1\n,\né,22\n".encode()


@pytest.mark.parametrize("text", [TEXT, TEXT[:-1]], ids=["whole", "without the last line's end"])
def test_plain_rows_end_where_their_cells_do(text: bytes) -> None:
    """Each row ends behind its line's end, in bytes."""
    offsets = plain_offsets(chunk(ROWS), len(text))
    assert offsets is not None
    assert [end_of_row(offsets, count) for count in range(4)] == [0, 7, 9, 15]


@pytest.mark.parametrize("text", [b'"anna",1\n,\n\xc3\xa9,22\n', TEXT.replace(b"\n", b"\r\n"), b"\n" + TEXT])
def test_other_text_needs_a_closer_look(text: bytes) -> None:
    """Quotes, line ends of two bytes and empty lines are in no cell, and make the text longer."""
    assert plain_offsets(chunk(ROWS), len(text)) is None


def test_a_row_left_out_needs_a_closer_look() -> None:
    """The cells of a row that is left out are unknown."""
    assert plain_offsets(chunk(ROWS, malformed=True), len(TEXT)) is None
