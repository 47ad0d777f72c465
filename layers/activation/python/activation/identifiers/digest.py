"""Digests, one text at a time and a column at a time."""

from __future__ import annotations

import base64
import hashlib
from array import array
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.table import Digest

_SHA256 = hashlib.sha256


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
    """Give `digest` of every text of a string array, null for null; at most 33 million texts at once."""
    if kind is Digest.PLAIN:
        return values
    dense = values.drop_null() if values.null_count else values
    hashed = _base64(dense) if kind is Digest.SHA256_BASE64 else _hex(kind, dense)
    if not values.null_count:
        return hashed
    valid = values.is_valid()
    rank = pc.subtract(pc.cumulative_sum(valid.cast(pa.int32())), 1)
    return hashed.take(pc.if_else(valid, rank, pa.scalar(None, pa.int32())))


def _texts(values: pa.Array) -> list[bytes]:
    """Give the UTF-8 bytes of a string array without nulls.

    Joining the column and splitting it again in C costs a third of slicing its buffer; normalised texts hold no
    line feed, and where one does the count tells.
    """
    if not len(values):
        return []
    whole = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
    joined: bytes = pc.binary_join(whole, "\n").cast(pa.binary())[0].as_py()
    texts = joined.split(b"\n")
    if len(texts) == len(values):
        return texts
    return [text.encode() for text in values.to_pylist()]


def _hex(kind: Digest, values: pa.Array) -> pa.Array:
    """Hash into one hexadecimal buffer: the digests are joined as bytes and written out in one call."""
    new: Callable[[bytes], Any] = _SHA256 if kind is Digest.SHA256_HEX else _md5
    width = 64 if kind is Digest.SHA256_HEX else 32
    joined = b"".join([new(text).digest() for text in _texts(values)]).hex().encode("ascii")
    ends = array("i", range(0, len(joined) + 1, width))
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(ends), pa.py_buffer(joined)])


def _base64(values: pa.Array) -> pa.Array:
    return pa.array([base64.b64encode(_SHA256(text).digest()).decode() for text in _texts(values)], pa.string())
