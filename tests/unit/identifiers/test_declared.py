"""Drops that come hashed: checked by shape, never hashed again, never sent as plaintext."""

from __future__ import annotations

import base64
import hashlib

import pyarrow as pa
import pytest
from activation.identifiers.declared import looks_hashed
from activation.identifiers.identify import identify, identify_value
from activation.identifiers.rules import PerValue
from activation.identifiers.table import Context, Digest, Field

ANNA = hashlib.sha256(b"anna@example.org").hexdigest()
TEST = "test@test.com"


def field(digest: Digest) -> Field:
    """Make a field whose rule gives the text back."""
    return Field("KEY", PerValue("any", lambda text, _: (text, None)), digest, "https://example.com", "2026-11-22")


def digest_of(text: str) -> str:
    """Hash a text as an export would."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "cell", [ANNA, ANNA.upper(), f" {ANNA}\t", f"{ANNA}\u00a0", f'"{ANNA}"', f"'{ANNA.upper()}'", f"\ufeff{ANNA}"]
)
def test_a_digest_passes_in_lower_case(cell: str) -> None:
    """A SHA-256 in hexadecimal is passed on in lower case, without what stands around it."""
    assert identify_value(field(Digest.SHA256_HEX), cell, Context(), hashed=True).sent == ANNA
    assert identify(field(Digest.SHA256_HEX), pa.array([cell]), Context(), hashed=True).sent.to_pylist() == [ANNA]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("anna@example.org", "plain_value"),
        ("+442079460123", "plain_value"),
        ("442079460123", "plain_value"),
        ("EMAIL_SHA256", "plain_value"),
        (f"0x{ANNA}", "plain_value"),
        (f"{ANNA},", "plain_value"),
        (ANNA[:-1] + "\u0430", "plain_value"),
        (ANNA.translate({ord("0") + n: 0xFF10 + n for n in range(10)}), "plain_value"),
        (ANNA[:-1], "hash_length"),
        (ANNA + "0", "hash_length"),
        (hashlib.sha512(b"anna").hexdigest(), "hash_length"),
        (hashlib.md5(b"anna").hexdigest(), "hash_md5"),
        (hashlib.sha1(b"anna").hexdigest(), "hash_sha1"),
        (base64.b64encode(bytes.fromhex(ANNA)).decode(), "hash_base64"),
        ("NULL", "blank_word"),
        *((digest_of(text), "poison_hash") for text in ("", "none", "nan", "null", "0", "None", "NULL", "NaN")),
        (digest_of(TEST), "poison_hash"),
    ],
)
def test_what_is_no_digest_is_named_and_refused(cell: str, code: str) -> None:
    """Plain values, other digests and digests of nobody each have their code, and nothing is sent."""
    context = Context(placeholders=frozenset((TEST,)))
    one = identify_value(field(Digest.SHA256_HEX), cell, context, hashed=True)
    assert (one.sent, one.normalized, one.code) == (None, None, code)
    column = identify(field(Digest.SHA256_HEX), pa.array([cell, ANNA]), context, hashed=True)
    assert column.sent.to_pylist() == [None, ANNA]
    assert column.code.to_pylist() == [code, None]


def test_md5_types_take_md5_only() -> None:
    """An identifier type that is MD5 refuses a SHA-256, and its poison is MD5's."""
    md5 = hashlib.md5(b"anna").hexdigest()
    nobody = hashlib.md5(b"").hexdigest()
    column = identify(field(Digest.MD5_HEX), pa.array([md5.upper(), ANNA, nobody]), Context(), hashed=True)
    assert column.sent.to_pylist() == [md5, None, None]
    assert column.code.to_pylist() == [None, "hash_sha256", "poison_hash"]


def test_base64_types_get_the_same_digest_in_base64() -> None:
    """Hexadecimal in a drop for a platform that takes base64 is written anew, not hashed anew."""
    expected = base64.b64encode(bytes.fromhex(ANNA)).decode()
    column = identify(field(Digest.SHA256_BASE64), pa.array([ANNA]), Context(), hashed=True)
    assert column.sent.to_pylist() == [expected]
    raw = identify(field(Digest.SHA256_BASE64), pa.array(["anna@example.org", None]), Context(), hashed=False)
    assert raw.sent.to_pylist() == [expected, None]


def test_plain_fields_are_normalised_in_hashed_drops_too() -> None:
    """A field that is sent as plaintext is no digest in any drop."""
    column = identify(field(Digest.PLAIN), pa.array(["crm-1", None, "null"]), Context(), hashed=True)
    assert column.sent.to_pylist() == ["crm-1", None, None]
    assert column.code.to_pylist() == [None, None, "blank_word"]


@pytest.mark.parametrize("cell", [ANNA, ANNA.upper(), f'"{ANNA}"', ANNA[:32], ANNA[:40], ANNA * 2])
def test_a_raw_drop_does_not_hash_digests(cell: str) -> None:
    """A digest in a raw drop is refused, not hashed twice."""
    assert looks_hashed(cell)
    assert identify_value(field(Digest.SHA256_HEX), cell, Context(), hashed=False).code == "looks_hashed"
    assert identify_value(field(Digest.PLAIN), cell, Context(), hashed=False).sent == cell


@pytest.mark.parametrize("cell", ["anna", ANNA[:-1], "442079460123", "deadbeef", "g" * 64, "a" * 43])
def test_words_and_numbers_do_not_look_hashed(cell: str) -> None:
    """Short hexadecimal words and numbers are values."""
    assert not looks_hashed(cell)
