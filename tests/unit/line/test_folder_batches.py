"""A folder's batches are those of one file: where a file ends is no matter to where a batch does."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from activation.drops.chunk import DropReader
from activation.drops.open import open_drop
from activation.drops.source import BytesSource
from activation.model import Cursor
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.drops.folders import Row, csv_of, folder_of
from tests.unit.drops.test_folder_reader import SMALL
from tests.unit.line.test_batching import batcher

ROWS = st.lists(
    st.sampled_from(
        [
            ("one@example.com", "c1", "two@example.com"),
            ("three@example.com", "", "nobody"),
            ("", "", ""),
            ("nobody", "", ""),
            ("too", "many", "cells", "here"),
            ("alone",),
        ]
    ),
    min_size=1,
    max_size=25,
)


def batches_of(reader: DropReader, max_rows: int, start: Cursor | None = None) -> list[tuple[Any, ...]]:
    """Return the spans, the rows and cells that are sent, and the reasons why others are not."""
    begin = start or Cursor()
    return [
        (
            one.span.first_row,
            one.span.last_row,
            one.span.rejected,
            {key: {code: of.first_rows for code, of in codes.items()} for key, codes in one.span.left_out.items()},
            one.span.mended,
            one.rows.to_pylist(),
            one.columns.to_pylist(),
            one.rejected.to_pylist(),
        )
        for one in batcher(max_rows).spans(reader.chunks(begin), begin, ())
    ]


@settings(max_examples=50, deadline=None)
@given(rows=ROWS, cuts=st.lists(st.integers(0, 25), max_size=5), max_rows=st.integers(1, 6))
def test_any_cut_of_a_file_gives_its_batches(rows: list[Row], cuts: list[int], max_rows: int) -> None:
    """Spans, cells, rejects, left-out cells and mended rows are the uncut file's, and so is the rest after any."""
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [rows[begin:end] for begin, end in pairwise(bounds)]
    files = {f"part-{at:02}": csv_of(part) for at, part in enumerate(parts)}
    whole = batches_of(open_drop(BytesSource(csv_of(rows))), max_rows)
    assert batches_of(folder_of(files, limits=SMALL), max_rows) == whole
    folder = folder_of(files, limits=SMALL)
    afters = [one.span.after for one in batcher(max_rows).spans(folder.chunks(Cursor()), Cursor(), ())]
    for at, after in enumerate(afters):
        assert batches_of(folder_of(files, limits=SMALL), max_rows, after) == whole[at + 1 :]
