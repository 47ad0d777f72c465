"""Checksums of parts made into that of the whole."""

from __future__ import annotations

import base64
import zlib

from hypothesis import given
from hypothesis import strategies as st

from lambdas.ci360.checksums import combine, encoded


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_two_pieces_have_the_checksum_of_both_together(first: bytes, second: bytes) -> None:
    """As zlib makes it of the bytes themselves, empty pieces included."""
    assert combine(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


def test_a_large_piece_takes_no_longer_than_a_small_one() -> None:
    """Only lengths and checksums are worked on: four gibibytes of zeros in no time."""
    mebibyte = bytes(1024 * 1024)
    whole, length = zlib.crc32(mebibyte), len(mebibyte)
    for _ in range(12):  # doubled twelve times
        whole, length = combine(whole, whole, length), 2 * length
    assert length == 4 * 1024**3
    assert combine(whole, zlib.crc32(b""), 0) == whole


def test_it_is_written_as_s3_writes_it() -> None:
    """Four bytes, the highest first, in base64; leading zeros are kept."""
    assert base64.b64decode(encoded(1)) == b"\0\0\0\1"
