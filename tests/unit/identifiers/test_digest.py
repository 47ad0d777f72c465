"""Digests of columns."""

from __future__ import annotations

import hashlib
import sys

import activation.identifiers.digest as digest_module
import pyarrow as pa
import pytest
from activation.identifiers.digest import _LANES, digest, digests
from activation.identifiers.table import Digest
from activation.identifiers.text import MAX_CELL_BYTES, too_long, trim
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("kind", list(Digest))
@settings(deadline=None)
@given(texts=st.lists(st.one_of(st.none(), st.text(max_size=8))), cut=st.integers(0, 3))
def test_a_column_has_the_digests_of_its_texts(kind: Digest, texts: list[str | None], cut: int) -> None:
    """Nulls stay null, line feeds inside a text split nothing, a slice is its own column."""
    values = pa.array(texts, pa.string()).slice(cut)
    expected = [None if text is None else digest(kind, text) for text in texts[cut:]]
    assert digests(kind, values).to_pylist() == expected


@pytest.mark.parametrize("count", [1, _LANES - 1, _LANES, _LANES + 1, 3 * _LANES + 7])
def test_long_columns_are_hashed_whole(count: int) -> None:
    """Whatever the column's length and the texts' own, around SHA-256's blocks of 64 bytes, hashlib agrees."""
    texts = [f"{number % 131:x}" * (number % 131) for number in range(count + 5)]
    expected = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    values = pa.array(texts, pa.string())
    assert digests(Digest.SHA256_HEX, values).to_pylist() == expected
    assert digests(Digest.SHA256_HEX, values.slice(3, count)).to_pylist() == expected[3 : count + 3]
    assert digests(Digest.SHA256_HEX, values.slice(5)).to_pylist() == expected[5:]


def test_nulls_between_texts_stay_where_they_are() -> None:
    """A column with nulls is hashed without them and keeps their places, slices too."""
    texts = [None if number % 3 == 0 else f"text {number}" for number in range(2 * _LANES)]
    expected = [None if text is None else hashlib.sha256(text.encode()).hexdigest() for text in texts]
    values = pa.array(texts, pa.string())
    assert digests(Digest.SHA256_HEX, values).to_pylist() == expected
    assert digests(Digest.SHA256_HEX, values.slice(4, 900)).to_pylist() == expected[4:904]


def test_digests_of_other_texts_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the library to hash what is not there, nothing is sent: hashlib is asked at both ends of a column."""
    values = pa.array(["a", "b", "c"])
    wrong = bytearray(b"".join(hashlib.sha256(text).digest() for text in (b"a", b"b", b"b")))
    monkeypatch.setattr(digest_module, "_in_lanes", lambda _: wrong)
    with pytest.raises(RuntimeError, match="differs from hashlib"):
        digests(Digest.SHA256_HEX, values)


@pytest.mark.parametrize("kind", list(Digest))
def test_without_the_library_hashlib_does(kind: Digest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only Arrow is there, as on Spark, columns have the same digests."""
    texts = ["ada@example.com", None, "", "jürgen"]
    values = pa.array(texts, pa.string()).slice(1)
    monkeypatch.setattr(digest_module, "Sha256s", None)
    assert digests(kind, values).to_pylist() == [None if one is None else digest(kind, one) for one in texts[1:]]


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
