"""Values that come hashed: checked by their shape, passed on, never hashed again."""

from __future__ import annotations

import base64
import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.digest import digest
from activation.identifiers.table import Digest
from activation.identifiers.text import POISON_TEXTS, trim
from activation.identifiers.widths import LOWER_HEX, even_hex

_HEX = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=|[A-Za-z0-9+/_-]{22}==|[A-Za-z0-9+/_-]{27}=", re.ASCII)
_LENGTHS = {32: Code.HASH_MD5, 40: Code.HASH_SHA1, 64: Code.HASH_SHA256}
_WIDTH = {Digest.SHA256_HEX: 64, Digest.SHA256_BASE64: 64, Digest.MD5_HEX: 32}
# From here on a run of hexadecimal digits is a damaged digest, not a telephone number or a word.
_DAMAGED_DIGEST = 20


def looks_hashed(trimmed: str) -> bool:
    """Return whether a cell of a raw drop is a digest: MD5, SHA-1 or SHA-2, hexadecimal or SHA-256 in base64."""
    bare = _unquoted(trimmed)
    if len(bare) in (32, 40, 56, 64, 96, 128):
        return _HEX.fullmatch(bare) is not None
    return len(bare) == 44 and _BASE64.fullmatch(bare) is not None


def declared_value(kind: Digest, trimmed: str, placeholders: frozenset[str]) -> tuple[str | None, str | None]:
    """Check one declared digest: (digest in lower case, None) or (None, code). The cell is trimmed, not blank."""
    bare = _unquoted(trimmed)
    if _HEX.fullmatch(bare):
        width = len(bare)
        if width == _WIDTH[kind]:
            lowered = bare.lower()
            if lowered in _poison(kind, placeholders):
                return None, Code.POISON_HASH
            return _as_sent(kind, lowered), None
        if width in _LENGTHS:
            return None, _LENGTHS[width]
        return None, Code.HASH_LENGTH if width >= _DAMAGED_DIGEST else Code.PLAIN_VALUE
    if _BASE64.fullmatch(bare):
        return None, Code.HASH_BASE64
    return None, Code.PLAIN_VALUE


def declared_column(kind: Digest, values: pa.Array, placeholders: frozenset[str]) -> tuple[pa.Array, pa.Array]:
    """Check a column of declared digests: (digests or null, mask of the cells to be looked at one by one)."""
    if kind is Digest.SHA256_BASE64:
        return pa.nulls(len(values), pa.string()), values.is_valid()
    poison = _poison_column(kind, placeholders)
    if even_hex(values, _WIDTH[kind], LOWER_HEX):  # as nearly every export is; the rest says the same of any cell
        refused = pc.is_in(values, value_set=poison)
        if not pc.any(refused).as_py():
            return values, refused
    shaped = pc.match_substring_regex(values, rf"\A[0-9a-fA-F]{{{_WIDTH[kind]}}}\z")
    lowered = pc.ascii_lower(values)
    kept = pc.fill_null(pc.and_not(shaped, pc.is_in(lowered, value_set=poison)), fill_value=False)
    sent = pc.if_else(kept, lowered, pa.scalar(None, pa.string()))
    return sent, pc.and_not(values.is_valid(), kept)


def plainly_digests(kind: Digest, values: pa.Array) -> bool:
    """Return whether every cell of a string array has a digest's shape, so that none is plaintext.

    False says only that it takes a closer look at each cell to tell.
    """
    return kind in (Digest.SHA256_HEX, Digest.MD5_HEX) and even_hex(values, _WIDTH[kind])


def _unquoted(trimmed: str) -> str:
    """Take off one pair of quotes, as a file written without a CSV library has them."""
    if len(trimmed) > 1 and trimmed[0] == trimmed[-1] and trimmed[0] in "\"'":
        return trim(trimmed[1:-1])
    return trimmed


@lru_cache(maxsize=64)
def _poison(kind: Digest, placeholders: frozenset[str]) -> frozenset[str]:
    """Return the hexadecimal digests that stand for nobody, in the algorithm of `kind`."""
    hexadecimal = Digest.MD5_HEX if kind is Digest.MD5_HEX else Digest.SHA256_HEX
    texts = (*POISON_TEXTS, *(t.upper() for t in POISON_TEXTS), *(t.title() for t in POISON_TEXTS), "NaN", " ")
    return frozenset(digest(hexadecimal, text) for text in (*texts, *placeholders))


@lru_cache(maxsize=64)
def _poison_column(kind: Digest, placeholders: frozenset[str]) -> pa.Array:
    return pa.array(sorted(_poison(kind, placeholders)), pa.string())


def _as_sent(kind: Digest, hexadecimal: str) -> str:
    if kind is not Digest.SHA256_BASE64:
        return hexadecimal
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()
