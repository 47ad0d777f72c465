"""First lines and keys that nobody would write on purpose: refused in time, by number, and without their text."""

from __future__ import annotations

import time

import pytest
from activation.drops.columns import map_columns
from activation.drops.open import open_drop
from activation.drops.source import BytesSource
from activation.errors import Rejected
from activation.model import RAW, Cursor

from lambdas.meta.fields import TABLE

MOST_S = 2.0  # the search for values took minutes before its cells were bounded


@pytest.mark.parametrize("cell", [b"1" * 100_000 + b"x", b"1 " * 60_000 + b"x", b"0(" * 60_000 + b"x"])
@pytest.mark.parametrize("single", [None, "PHONE_SHA256"])
def test_a_first_line_of_digits_without_end_is_judged_in_time(cell: bytes, single: str | None) -> None:
    """However long a cell of the first line is, telling a name from a value takes no time to speak of."""
    began = time.monotonic()
    if single is None:
        with pytest.raises(Rejected, match="header_missing"):
            open_drop(BytesSource(b"email," + cell + b"\na@b.co,1\n"))
    else:
        reader = open_drop(BytesSource(cell + b"\n"), single=single)
        assert sum(chunk.row_count for chunk in reader.chunks(Cursor())) == 1  # it is a row, and a bad one
    assert time.monotonic() - began < MOST_S


@pytest.mark.parametrize("line", [b"Anna,Schmidt,Lyon,Lyon\n", b"Lyon,Anna,lyon\n"])
def test_a_person_in_place_of_the_header_is_refused_without_their_name(line: bytes) -> None:
    """A file without its header line has a person there: nothing of them is in the refusal."""
    header = open_drop(BytesSource(line)).header
    with pytest.raises(Rejected, match="no_usable_column") as caught:
        map_columns(TABLE, header, RAW)
    assert "lyon" not in str(caught.value).lower()
    assert "anna" not in str(caught.value).lower()


def test_a_number_of_thousands_of_digits_is_its_row_s_own_matter() -> None:
    """A JSON number longer than Python reads does not keep the file from being opened."""
    reader = open_drop(BytesSource(b'{"email":"a@b.co","n":' + b"9" * 5000 + b"}\n"))
    (chunk,) = reader.chunks(Cursor())
    assert chunk.columns.column(0).to_pylist() == ["a@b.co"]


@pytest.mark.parametrize("place", [0, 3])
def test_a_key_that_is_half_a_character_is_a_bad_line(place: int) -> None:
    """A lone surrogate in a JSON key spoils its own line, in the first part of the file or behind it."""
    lines = [b'{"email":"a@b.co"}'] * 4
    lines[place] = b'{"email":"a@b.co","\\ud800":1}'
    reader = open_drop(BytesSource(b"\n".join(lines) + b"\n"))
    assert reader.header == ("email",)
    malformed: dict[int, str] = {}
    for chunk in reader.chunks(Cursor()):
        malformed |= chunk.malformed
    assert malformed == {place + 1: "bad_json"}
