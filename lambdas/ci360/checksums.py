"""CRC-32 of a whole from the CRC-32 of its parts, so that one worker can hand it to the next as a number.

S3 makes an object's full checksum of its parts' in the same way and compares it when they are put together:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html (read 2026-11-29).
zlib has crc32_combine, which Python shows from 3.15 on; this is its arithmetic: polynomials over GF(2), the bits
reversed, so that x**0 is the highest bit.
"""

from __future__ import annotations

import base64

_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31


def combine(first: int, second: int, second_bytes: int) -> int:
    """Return the CRC-32 of two pieces put together, from that of each and the length of the second."""
    return _times(first, _x_to_the(8 * second_bytes)) ^ second


def encoded(crc32: int) -> str:
    """Return a CRC-32 as S3 writes it: the four bytes in base64."""
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()


def _times(one: int, other: int) -> int:
    product, bit = 0, _ONE
    while bit:
        if one & bit:
            product ^= other
        other = (other >> 1) ^ _POLYNOMIAL if other & 1 else other >> 1
        bit >>= 1
    return product


def _x_to_the(exponent: int) -> int:
    power, square = _ONE, _ONE >> 1
    while exponent:
        if exponent & 1:
            power = _times(power, square)
        square = _times(square, square)
        exponent >>= 1
    return power
