"""A column with one text is told from all others, and read as any other column is."""

from __future__ import annotations

import pyarrow as pa
import pytest
from activation.identifiers.constant import distinct, encoded, is_constant
from hypothesis import given
from hypothesis import strategies as st

CELLS = st.lists(st.sampled_from(["", "a", "aa", None]), max_size=6)


@given(before=CELLS, cells=CELLS)
def test_a_column_is_constant_only_if_every_cell_is_the_same_text(
    before: list[str | None], cells: list[str | None]
) -> None:
    """Cells of the same bytes cut elsewhere, and those of the array that a column is a slice of, are others."""
    column = pa.array([*before, *cells], pa.string())[len(before) :]
    one_text = bool(cells) and None not in cells and len(set(cells)) == 1
    assert is_constant(column) is one_text
    assert encoded(column).cast(pa.string()).to_pylist() == cells
    assert sorted(distinct(column).to_pylist(), key=str) == sorted(set(cells), key=str)


@pytest.mark.parametrize(("second", "constant"), [(["a"], True), (["b"], False), ([None], False)])
def test_a_column_in_chunks_is_judged_as_a_whole(second: list[str | None], constant: bool) -> None:
    """A batch may lie across two chunks of the drop, each with one text."""
    assert is_constant(pa.chunked_array([["a", "a"], second], pa.string())) is constant
