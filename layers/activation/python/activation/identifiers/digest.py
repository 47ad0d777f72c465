"""Digests, one text at a time and a column at a time."""

from __future__ import annotations

import base64
import hashlib
from array import array
from binascii import hexlify
from functools import cache, lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.table import Digest

try:
    from stringzilla import Sha256s, Strs
except ImportError:  # Spark has Arrow but not this; hashlib gives the same, at a fifth of the speed
    Sha256s = Strs = None

_SHA256 = hashlib.sha256
_SHA256_BYTES = 32
# Texts hashed side by side; the more, the fewer calls, and their states should stay in the processor's cache.
_LANES = 1024


def _md5(data: bytes) -> Any:
    return hashlib.md5(data, usedforsecurity=False)


def digest(kind: Digest, text: str) -> str:
    """Write a normalised text the way it travels; UnicodeEncodeError for a lone surrogate."""
    data = text.encode()
    if kind is Digest.SHA256_HEX:
        return _SHA256(data).hexdigest()
    if kind is Digest.SHA256_BASE64:
        return base64.b64encode(_SHA256(data).digest()).decode()
    if kind is Digest.MD5_HEX:
        return str(_md5(data).hexdigest())
    return text


def digests(kind: Digest, values: pa.Array) -> pa.Array:
    """Return `digest` of every text of a string array, null for null; at most 33 million texts at once."""
    if kind is Digest.PLAIN or not len(values):
        return values
    dense = values.drop_null() if values.null_count else values
    if kind is Digest.MD5_HEX:
        joined = b"".join([_md5(text.as_buffer()).digest() for text in dense])
        return in_texts(hexadecimal(joined), 32, values)
    raw = sha256(dense)
    if kind is Digest.SHA256_HEX:
        return in_texts(hexadecimal(raw), 64, values)
    texts = [base64.b64encode(raw[at : at + _SHA256_BYTES]) for at in range(0, len(raw), _SHA256_BYTES)]
    return in_texts(b"".join(texts), 44, values)


def hexadecimal(raw: bytes | bytearray | memoryview) -> pa.Buffer:
    """Return an even number of bytes in hexadecimal: two at a time by a table, in half of hexlify's time."""
    if not raw:
        return pa.py_buffer(b"")
    pairs = pa.Array.from_buffers(pa.uint16(), len(raw) // 2, [None, pa.py_buffer(raw)])
    return _of_pairs().take(pairs).buffers()[1]


@cache
def _of_pairs() -> pa.Array:
    """Return the four digits of every pair of bytes, at the place of the number that the pair is in memory."""
    digits = hexlify(array("H", range(2**16)).tobytes())
    return pa.Array.from_buffers(pa.uint32(), 2**16, [None, pa.py_buffer(digits)])


def in_texts(joined: bytes | pa.Buffer, width: int, like: pa.Array) -> pa.Array:
    """Return `joined` cut into texts of `width` bytes, one for each valid cell of `like`; its nulls stay null."""
    count, bitmap = len(like), None
    offsets = _even_offsets(width, count)
    if like.null_count:
        valid = like.is_valid()
        before = pc.cumulative_sum(valid.cast(pa.int32()))
        offsets = pa.concat_arrays([offsets[:1], pc.multiply(before, pa.scalar(width, pa.int32()))])
        bitmap = valid.buffers()[1]
    buffers = [bitmap, offsets.buffers()[1], pa.py_buffer(joined)]
    return pa.Array.from_buffers(pa.string(), count, buffers, like.null_count)


@lru_cache(maxsize=4)
def _even_offsets(width: int, count: int) -> pa.Array:
    """Return where texts of one width begin, and where the last ends; the chunks of a file have about as many."""
    return pa.arange(0, width * count + 1, width).cast(pa.int32())


def sha256(values: pa.Array) -> bytes | bytearray:
    """Return the digests of a string array without nulls, concatenated.

    The library is held against hashlib at both ends of the column: digests that belong to other texts would
    match nobody, and nobody would see it.
    """
    if Sha256s is None:
        return b"".join([_SHA256(text.as_buffer()).digest() for text in values])
    raw = _in_lanes(values)
    for place in (0, len(values) - 1) if len(values) else ():
        at = place * _SHA256_BYTES
        if raw[at : at + _SHA256_BYTES] != _SHA256(values[place].as_buffer()).digest():
            raise RuntimeError("stringzilla's SHA-256 differs from hashlib's on this machine")
    return raw


def _in_lanes(values: pa.Array) -> bytearray:
    count, offset = len(values), values.offset
    raw = bytearray(_SHA256_BYTES * count)
    if not count:
        return raw
    # Strs looks past an array's own offset, so it is shown the array from its buffers' beginning and then cut.
    whole = pa.Array.from_buffers(pa.string(), offset + count, [None, *values.buffers()[1:]])
    texts = Strs(whole, view=True)[offset:]
    lanes = Sha256s(min(_LANES, count))
    with memoryview(raw) as out:
        for begin in range(0, count, _LANES):
            some = texts[begin : begin + _LANES]
            if len(some) < len(lanes):
                lanes = Sha256s(len(some))
            lanes.reset().update(some).digest(out=out[begin * _SHA256_BYTES : (begin + len(some)) * _SHA256_BYTES])
    return raw
