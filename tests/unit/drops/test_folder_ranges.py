"""Pieces of a folder, put together, are the folder; each file is cut where it may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from activation.drops.folder_ranges import FolderRange, folder_pieces, folder_ranges, survey_range
from activation.drops.folder_reader import FolderReader
from activation.drops.ranges import Piece, piece_chunks, settle
from activation.model import Cursor
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.drops.folders import Row, csv_of, folder_of, gzip_of, json_of, parquet_of, utf16_of
from tests.unit.drops.reading import Read, read
from tests.unit.drops.test_folder_reader import SMALL, cut_rows

WRITERS: dict[str, Callable[[Sequence[Row]], bytes]] = {
    "csv": csv_of,
    "csv.gz": gzip_of,
    "utf-16": utf16_of,
    "jsonl": json_of,
    "parquet": parquet_of,
}


def pieces_of(folder: FolderReader, range_bytes: int) -> tuple[Piece, ...] | None:
    """Return the pieces as a run's parts would cut them."""
    if folder.found.groups:
        return folder_pieces(folder, range_bytes)
    parts = range(len(folder_ranges(folder, range_bytes)))
    return settle([survey_range(folder, part, range_bytes, lambda one: one) for part in parts], 1_000)


class _Piece:
    """A piece as a reader of its own."""

    def __init__(self, folder: FolderReader, piece: Piece) -> None:
        self._folder, self._piece = folder, piece
        self.format, self.header, self.nested = folder.format, folder.header, folder.nested

    def chunks(self, start: Cursor) -> object:
        return piece_chunks(self._folder, self._piece, start)


@pytest.mark.parametrize("name", WRITERS)
@given(parts=cut_rows(), range_bytes=st.integers(1, 120))
@settings(max_examples=60, deadline=None)
def test_pieces_of_any_folder_are_the_folder(name: str, parts: list[list[Row]], range_bytes: int) -> None:
    """Each piece begins where the one before it ends, and together they have every row and code of one stream."""
    files = {f"part-{at}": WRITERS[name](part) for at, part in enumerate(parts)}
    whole = read(folder_of(files))
    pieces = pieces_of(folder_of(files, limits=SMALL), range_bytes)
    assert pieces is not None
    found = Read()
    for piece in pieces:
        assert piece.start.row == found.count
        one = read(_Piece(folder_of(files, limits=SMALL), piece), piece.start)  # type: ignore[arg-type]  # reads as a folder does
        found.rows |= one.rows
        found.malformed |= one.malformed
        assert found.count == piece.start.row + piece.rows
    assert (found.rows, found.malformed) == (whole.rows, whole.malformed)


def test_small_files_share_a_range_and_large_ones_have_several() -> None:
    """Files are gathered up to a range; one of several ranges' size is cut, unless it is compressed."""
    row: Row = ("a@b.example", "x", "1")
    small, large = csv_of([row]), csv_of([row] * 100)
    folder = folder_of({"0": small, "1": small, "2": large, "3": small, "4": b"", "5": gzip_of([row])})
    size = len(large)
    assert folder_ranges(folder, size // 3) == (
        FolderRange(0, 1),
        FolderRange(2, 2, 0, 3),
        FolderRange(2, 2, 1, 3),
        FolderRange(2, 2, 2, 3),
        FolderRange(3, 5),
    )
    assert folder_ranges(folder, len(small))[:2] == (FolderRange(0, 0), FolderRange(1, 1))
    assert folder_ranges(folder, 10 * size) == (FolderRange(0, 5),)


def test_a_file_with_a_quote_out_of_place_is_not_cut() -> None:
    """Nor is its folder: one stream then reads all of it, and names the row."""
    row: Row = ("a@b.example", "x", "1")
    files = {"0": csv_of([row] * 9), "1": csv_of([row]) + b'"a"b,c,d\n', "2": csv_of([row])}
    assert pieces_of(folder_of(files), 60) is None


def test_parquet_is_cut_at_row_groups_of_all_files() -> None:
    """Row groups of small files share a piece, those of a large one may be in several."""
    row: Row = ("a@b.example", "x", "1")
    folder = folder_of({"0": parquet_of([row] * 3), "1": parquet_of([row] * 9), "2": parquet_of([row])})
    pieces = folder_pieces(folder, 1)
    assert [(one.start, one.rows) for one in pieces] == [
        (Cursor(0, 0, 0, 0), 3),
        (Cursor(3, 0, 1, 3), 3),
        (Cursor(6, 1, 1, 3), 3),
        (Cursor(9, 2, 1, 3), 3),
        (Cursor(12, 0, 2, 12), 1),
    ]
    assert len(folder_pieces(folder, 10**6)) == 1
