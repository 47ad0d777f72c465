"""A folder is read as the one file that its files would be together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from activation.drops.folder_files import FolderFiles, FolderMember
from activation.drops.folder_header import common_header
from activation.drops.folder_reader import FolderReader
from activation.drops.limits import DEFAULT
from activation.drops.open import open_drop
from activation.drops.source import BytesSource
from activation.errors import Rejected
from activation.model import Cursor
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.drops.folders import (
    Row,
    csv_of,
    folder_of,
    gzip_of,
    json_of,
    list_of,
    parquet_of,
    tsv_of,
    utf16_of,
)
from tests.unit.drops.reading import read

CELLS = st.sampled_from(("", "a@b.example", "é", "x y", "a,b", "two\nlines", "1", "007", "four\0"))
WRITERS: dict[str, tuple[Callable[[Sequence[Row]], bytes], str | None]] = {
    "csv": (csv_of, None),
    "tsv": (tsv_of, None),
    "csv.gz": (gzip_of, None),
    "utf-16": (utf16_of, None),
    "jsonl": (json_of, None),
    "parquet": (parquet_of, None),
    "list": (list_of, "EMAIL"),
}
SMALL = replace(DEFAULT, block_bytes=16, slice_rows=2)


@st.composite
def cut_rows(draw: st.DrawFn) -> list[list[Row]]:
    """Draw rows, some of them too short or too long, and cut them into files, some of them empty."""
    row = st.lists(CELLS, min_size=3, max_size=3)
    whole = row.map(tuple)
    odd = st.sampled_from([("a@b.example",), ("a", "b", "c", "d")])
    rows = draw(st.lists(st.one_of(whole, whole, odd).map(lambda one: ("a", *one[1:])), min_size=1, max_size=14))
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    return [rows[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40, deadline=None)
@given(parts=cut_rows(), data=st.data())
def test_any_cut_of_a_file_gives_its_rows(name: str, parts: list[list[Row]], data: st.DataObject) -> None:
    """Rows, their numbers and codes are those of the uncut file, also when reading resumes behind any row."""
    write, single = WRITERS[name]
    whole = read(open_drop(BytesSource(write([row for part in parts for row in part])), single=single))
    files = {f"part-{at}": write(part) for at, part in enumerate(parts)}
    folder = folder_of(files, single=single, limits=SMALL)
    found = read(folder)
    assert (found.rows, found.malformed) == (whole.rows, whole.malformed)
    assert found.refusal is None
    row = data.draw(st.integers(0, found.count))
    start = found.cursors[row] if row else Cursor()
    rest = read(folder_of(files, single=single, limits=SMALL), start)
    assert rest.rows == {at: cells for at, cells in whole.rows.items() if at > row}
    assert rest.malformed == {at: code for at, code in whole.malformed.items() if at > row}


@given(parts=cut_rows())
@settings(max_examples=40, deadline=None)
def test_every_row_is_placed_in_its_file(parts: list[list[Row]]) -> None:
    """A row's place is its file and its number there, whoever asks for it after it was read."""
    folder = folder_of({f"part-{at}": csv_of(part) for at, part in enumerate(parts)})
    found = read(folder)
    places = [(index, number) for index, part in enumerate(parts) for number in range(1, len(part) + 1)]
    assert [folder.place(row) for row in range(1, found.count + 1)] == places


def test_files_without_rows_are_none() -> None:
    """Files of no byte, of blank lines and of a header alone are passed over, wherever they stand."""
    rows = [("a@b.example", "x", "1")]
    files = {"0": b"", "1": csv_of([]), "2": csv_of(rows), "3": b"\n\n", "4": csv_of(rows), "5": b""}
    assert read(folder_of(files)).rows == {1: rows[0], 2: rows[0]}


def test_a_folder_of_empty_files_is_empty() -> None:
    """A folder without any row or header is refused as an empty file is, which ends a run as empty."""
    with pytest.raises(Rejected) as caught:
        folder_of({"0": b"", "1": b"\n"})
    assert caught.value.code == "empty_file"


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (b"email,zip,note\na,b,c\n", "in another order"),
        (b"email,note\na,b\n", "it has 2 columns, not 3"),
        (b"email,note,city\na,b,c\n", "its column 3 is called city, not zip"),
        (tsv_of([]), "it is TSV, not CSV"),
        (json_of([("a", "b", "c")]), "it is JSON Lines, not CSV"),
    ],
)
def test_another_header_refuses_the_folder(other: bytes, says: str) -> None:
    """The file that is unlike the first one is named, with the difference."""
    with pytest.raises(Rejected) as caught:
        folder_of({"part-0": csv_of([]), "part-1": csv_of([]), "part-2": other})
    assert caught.value.code == "headers_differ"
    assert says in caught.value.sentence
    assert caught.value.sentence.startswith("part-2 is unlike part-0")


def test_compressed_and_plain_files_are_one_format() -> None:
    """Whether a file is compressed does not matter, and the format names no compression then."""
    rows = [("a@b.example", "x", "1")]
    folder = folder_of({"0": gzip_of(rows), "1": csv_of(rows)})
    assert folder.format == "csv"
    assert read(folder).count == 2
    assert folder_of({"0": gzip_of(rows), "1": gzip_of(rows)}).format == "csv+gzip"


def test_json_lines_have_the_keys_of_all_files() -> None:
    """A key that only a later file has is a column of all rows, and lists and objects are those of all files."""
    files = {
        "0": b'{"email": "a@b.example", "address": null}\n',
        "1": b'{"email": "c@d.example", "zip": 12345, "tags": ["x"]}\n',
        "2": b'{"address": {"city": "Rome"}, "email": "e@f.example"}\n',
    }
    folder = folder_of(files)
    assert folder.header == ("email", "zip", "address.city")
    assert folder.nested == ("tags",)
    assert read(folder).rows == {
        1: ("a@b.example", None, None),
        2: ("c@d.example", "12345", None),
        3: ("e@f.example", None, "Rome"),
    }


def test_a_list_of_json_lines_has_one_key() -> None:
    """A single-column list under two keys may be two lists, and is refused."""
    with pytest.raises(Rejected, match="headers_differ"):
        folder_of({"0": b'{"email": "a"}\n', "1": b'{"mail": "b"}\n'}, single="EMAIL")


def test_a_refusal_names_the_file() -> None:
    """What is wrong with one file is said with its name: at once where its beginning shows it, else at its row."""
    with pytest.raises(Rejected) as caught:
        folder_of({"0": csv_of([]), "one/part.csv": b"PK\x03\x04rest"})
    assert caught.value.sentence.startswith("In one/part.csv: ")
    broken = csv_of([("a", "b", "c")]) + b'd,"e,f'
    found = read(folder_of({"0": csv_of([("x", "y", "z")]), "one/part.csv": broken}))
    assert found.refusal is not None
    assert found.refusal.sentence.startswith("In one/part.csv: Row 2 ")
    assert found.count == 2


class _Slow:
    """A source that takes a while for each read, and counts them."""

    def __init__(self, data: bytes, reads: list[str]) -> None:
        self._data, self._reads, self.size_bytes = BytesSource(data), reads, len(data)

    def read(self, offset: int, length: int) -> bytes:
        self._reads.append(threading.current_thread().name)
        time.sleep(0.01)
        return self._data.read(offset, length)


def test_a_small_file_is_read_once() -> None:
    """200 small files take one request each, several at a time, for headers and rows together."""
    reads: list[str] = []
    members = [
        FolderMember(f"part-{at}", _Slow(csv_of([("a@b.example", "x", str(at))] * 100), reads))
        for at in range(200)
    ]
    files = FolderFiles(members)
    folder = FolderReader(common_header(files), files)
    assert read(folder).count == 20_000
    assert len(reads) == 200
    assert len(set(reads)) > 1


def test_what_was_not_kept_is_opened_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files beyond those that stay in memory are read once more, by other threads than the reader's."""
    monkeypatch.setattr("activation.drops.folder_files.KEPT_BYTES", 0)
    reads: list[str] = []
    members = [FolderMember(str(at), _Slow(csv_of([("a", "b", "c")]), reads)) for at in range(20)]
    files = FolderFiles(members)
    found = common_header(files)
    del reads[:]
    assert read(FolderReader(found, files)).count == 20
    assert len(reads) == 20
    assert all(name.startswith("next-file") for name in reads)


def test_reading_headers_can_be_ended() -> None:
    """What the caller's tick raises ends the reading of headers."""

    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        common_header(FolderFiles([FolderMember("0", BytesSource(csv_of([("a", "b", "c")])))]), stop)
