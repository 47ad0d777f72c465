"""Cells of one width are seen as one piece of memory, wherever in an array they begin."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from activation.identifiers import widths
from activation.identifiers.declared import plainly_digests
from activation.identifiers.identify import identify, identify_value
from activation.identifiers.rules import PerValue
from activation.identifiers.table import Context, Digest, Field
from activation.identifiers.widths import LOWER_HEX, even, even_hex, matched, only_with
from hypothesis import given, settings
from hypothesis import strategies as st

HASHES = [hashlib.sha256(bytes([number])).hexdigest() for number in range(40)]
NOBODY = hashlib.sha256(b"").hexdigest()
FIELD = Field(
    "KEY", PerValue("any", lambda text, _: (text, None)), Digest.SHA256_HEX, "https://example.com", "2026-11-22"
)


def test_cells_are_one_piece() -> None:
    """A slice of a column gives its own cells' bytes."""
    column = pa.array(HASHES)
    whole, part = even(column, 64), even(column.slice(3, 5), 64)
    assert whole is not None
    assert part is not None
    assert bytes(whole) == "".join(HASHES).encode()
    assert bytes(part) == "".join(HASHES[3:8]).encode()


@pytest.mark.parametrize(
    "cells", [[], [None], [HASHES[0], None], [HASHES[0], HASHES[1][:-1]], [HASHES[0], HASHES[1] + "0"], ["é" * 63]]
)
def test_other_columns_have_no_one_width(cells: list[str | None]) -> None:
    """A null, a shorter and a longer cell each make a column uneven; width is of bytes."""
    assert even(pa.array(cells, pa.string()), 64) is None


def test_hexadecimal_digits_are_told() -> None:
    """Capitals count where they are allowed to, and any other byte does not."""
    assert even_hex(pa.array(HASHES), 64, LOWER_HEX)
    capitals = pa.array([one.upper() for one in HASHES])
    assert even_hex(capitals, 64)
    assert not even_hex(capitals, 64, LOWER_HEX)
    for odd in ("g", "G", " ", "\n", "\0", "/", ":", "@", "`"):
        assert not even_hex(pa.array([*HASHES, HASHES[0][:-1] + odd]), 64)


def test_without_its_library_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark has Arrow alone; each cell is then looked at by itself, with the same result."""
    column = pa.array([*HASHES, NOBODY, HASHES[0].upper()])
    quick = identify(FIELD, column, Context(), hashed=True)
    monkeypatch.setattr(widths, "find_first_not_of", None)
    assert not plainly_digests(Digest.SHA256_HEX, column)
    slow = identify(FIELD, column, Context(), hashed=True)
    assert (quick.sent.to_pylist(), quick.code.to_pylist()) == (slow.sent.to_pylist(), slow.code.to_pylist())


def test_only_digests_are_plainly_digests() -> None:
    """A column that is sent as it is, or in base64, is never taken for one of digests."""
    column = pa.array(HASHES)
    assert plainly_digests(Digest.SHA256_HEX, column)
    for kind in (Digest.MD5_HEX, Digest.SHA256_BASE64, Digest.PLAIN):
        assert not plainly_digests(kind, column)


CELLS = st.sampled_from(
    [*HASHES[:5], HASHES[6].upper(), NOBODY, NOBODY.upper(), HASHES[7][:-1], "", "anna@example.org"]
)


@given(cells=st.lists(CELLS, min_size=1, max_size=12), start=st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_a_column_says_what_its_cells_say(cells: list[str], start: int) -> None:
    """Whether the quick look is enough or not, each cell comes out as it does alone."""
    column = identify(FIELD, pa.array([*HASHES[:start], *cells]).slice(start), Context(), hashed=True)
    alone = [identify_value(FIELD, cell, Context(), hashed=True) for cell in cells]
    assert column.sent.to_pylist() == [cell.sent for cell in alone]
    assert column.code.to_pylist() == [cell.code for cell in alone]
    if plainly_digests(Digest.SHA256_HEX, pa.array(cells)):
        assert all(cell.code in (None, "poison_hash") for cell in alone)


SEVERAL = st.lists(st.sampled_from(["a@b", "c@d", "x", "", "a@b\nc@d", "\n", "c@d\n", None]), max_size=80)


@given(cells=SEVERAL)
def test_cells_match_as_each_does_by_itself(cells: list[str | None]) -> None:
    """Cells that are matched several at a time come out as by themselves; one with a line end is never two."""
    values = pa.array(cells, pa.string())
    assert matched(values, "[ac]@[bd]").equals(pc.match_substring_regex(values, r"\A[ac]@[bd]\z"))
    assert not any(matched(pa.array(["a@b"] * 20 + ["a@b\nc@d"]), "[ac]@[bd]").to_pylist()[20:])


CHARACTERS = st.sampled_from("abzAé\u03011 '佐\x00")


@given(st.lists(st.none() | st.text(CHARACTERS, max_size=9), max_size=20), st.integers(0, 3))
def test_only_the_characters_that_are_named_stay(texts: list[str | None], start: int) -> None:
    """Of every cell, those of a slice too, and null stays null."""
    found = only_with(pa.array(texts, pa.string()).slice(start), b"abz").to_pylist()
    assert found == [text and "".join(c for c in text if c in "abz") for text in texts[start:]]
