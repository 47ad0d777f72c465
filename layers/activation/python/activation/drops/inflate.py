"""Decompression as a stream with caps: gzip of several members, zstd of several frames.

Formats: https://www.rfc-editor.org/rfc/rfc1952 and https://www.rfc-editor.org/rfc/rfc8878, read 2026-11-22.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

import pyarrow as pa

from activation.drops.chunk import ByteSource
from activation.drops.limits import KIB, MIB, ReadLimits
from activation.drops.source import stream

_OUT_BYTES = MIB
_READ_BYTES = MIB
# What is fed at a time is what may be lost with it when it turns out to be damaged.
_FEED_BYTES = 64 * KIB


class BrokenStream(Exception):
    """The text cannot be read on; what came before stands. Who counts rows turns it into a refusal."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def inflate(source: ByteSource, compression: str, limits: ReadLimits) -> Iterator[bytes]:
    """Decompress from the beginning, in pieces of at most 1 MiB.

    Raises BrokenStream with truncated_gzip, corrupt_gzip, truncated_zstd, corrupt_zstd or decompression_bomb,
    after the pieces that could be had.
    """
    counted = _Counted(source)
    out_bytes = 0
    for piece in _gunzip(counted) if compression == "gzip" else _unzstd(counted):
        out_bytes += len(piece)
        if out_bytes > limits.inflated_bytes or (
            out_bytes > limits.ratio_free_bytes and out_bytes > limits.inflated_ratio * counted.position
        ):
            raise BrokenStream("decompression_bomb")
        yield piece


class _Counted(io.RawIOBase):
    """A source as a file read once from its beginning, which knows how far it has been read."""

    def __init__(self, source: ByteSource) -> None:
        self._pieces = stream(source, 0, _READ_BYTES)
        self._left = memoryview(b"")
        self.position = 0

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # typeshed asks for its own Buffer
        if not self._left:
            self._left = memoryview(next(self._pieces, b""))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        self.position += count
        return count


def _gunzip(file: _Counted) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=31)
    begun = members = 0
    data = b""
    while True:
        data = data or file.read(_FEED_BYTES) or b""
        if members and not begun:
            if not data:
                return
            # Tape tools fill up the end with zeros; no member begins with one.
            data = data.lstrip(b"\0")
            if not data:
                continue
        try:
            piece = member.decompress(data, _OUT_BYTES)
        except zlib.error:
            raise BrokenStream("corrupt_gzip") from None
        begun = 1
        if piece:
            yield piece
        if member.eof:
            data, member = member.unused_data, zlib.decompressobj(wbits=31)
            members, begun = members + 1, 0
        elif not data and not piece:
            # Neither input is left nor output held back by the limit on a piece.
            raise BrokenStream("truncated_gzip")
        else:
            data = member.unconsumed_tail


def _unzstd(file: _Counted) -> Iterator[bytes]:
    inflated = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
    while True:
        try:
            piece = inflated.read(4 * _FEED_BYTES)
        except OSError as error:
            truncated = "truncated" in str(error).lower()
            raise BrokenStream("truncated_zstd" if truncated else "corrupt_zstd") from None
        if not piece:
            return
        yield piece
