"""Digests of columns."""

from __future__ import annotations

import hashlib
import sys

import pyarrow as pa
import pytest
from activation.identifiers.digest import digest, digests
from activation.identifiers.table import Digest
from activation.identifiers.text import MAX_CELL_BYTES, too_long, trim
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("kind", list(Digest))
@given(texts=st.lists(st.one_of(st.none(), st.text(max_size=8))), cut=st.integers(0, 3))
def test_a_column_has_the_digests_of_its_texts(kind: Digest, texts: list[str | None], cut: int) -> None:
    """Nulls stay null, line feeds inside a text split nothing, a slice is its own column."""
    values = pa.array(texts, pa.string()).slice(cut)
    expected = [None if text is None else digest(kind, text) for text in texts[cut:]]
    assert digests(kind, values).to_pylist() == expected


def test_the_digest_is_sha_256_of_utf_8() -> None:
    """The hexadecimal form is hashlib's, in lower case."""
    assert digest(Digest.SHA256_HEX, "jürgen") == hashlib.sha256("jürgen".encode()).hexdigest()


def test_every_white_space_of_unicode_is_trimmed() -> None:
    """What Python calls white space comes off both ends, and nothing else that can be seen."""
    white = {chr(c) for c in range(sys.maxunicode + 1) if chr(c).isspace()}
    assert all(trim(f"{c}x{c}") == "x" for c in white)
    assert all(trim(f"{c}") == c for c in "xé李1-.@+")


@given(st.text(st.characters(codec=None), max_size=MAX_CELL_BYTES + 8))
def test_length_is_counted_in_bytes(text: str) -> None:
    """A cell is too long by its UTF-8 bytes, whatever it is made of."""
    assert too_long(text) == (len(text.encode("utf-8", "surrogatepass")) > MAX_CELL_BYTES)


@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
def test_the_limit_is_exact(letter: str) -> None:
    """A cell of exactly the limit is looked at, one byte more is not."""
    filled = letter * (MAX_CELL_BYTES // len(letter.encode()))
    filled += "x" * (MAX_CELL_BYTES - len(filled.encode()))
    assert not too_long(filled)
    assert too_long(filled + "x")
