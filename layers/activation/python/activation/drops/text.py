"""A drop's text as a stream of ASCII-compatible bytes, whatever it is wrapped in."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from activation.drops.chunk import ByteSource
from activation.drops.codes import refused
from activation.drops.inflate import BrokenStream, inflate
from activation.drops.limits import ReadLimits
from activation.drops.source import stream


@dataclass(frozen=True)
class Text:
    """The text of a source.

    `compression` is "", "gzip" or "zstd". `encoding` is what the stream's bytes are in: UTF-8 or a declared
    encoding, "" for a declared one that is not known. `transcoded` is "" or the UTF-16 form the stored text is in,
    given out as UTF-8.
    """

    source: ByteSource
    limits: ReadLimits
    compression: str = ""
    encoding: str = "utf-8"
    transcoded: str = ""

    @property
    def seekable(self) -> bool:
        """Whether an offset of the text is an offset of the source."""
        return not self.compression and not self.transcoded

    def stream(self, offset: int = 0) -> Iterator[bytes]:
        """Return the text's bytes from `offset` of the text; raises BrokenStream where it is damaged."""
        if self.seekable:
            yield from stream(self.source, offset, self.limits.block_bytes)
            return
        if self.compression:
            pieces = inflate(self.source, self.compression, self.limits)
        else:
            pieces = stream(self.source, 0, self.limits.block_bytes)
        if self.transcoded:
            pieces = _utf8(pieces, self.transcoded)
        for piece in pieces:
            if offset >= len(piece):
                offset -= len(piece)
                continue
            yield piece[offset:] if offset else piece
            offset = 0

    def head(self) -> tuple[bytes, bool]:
        """Return the first bytes, at most `limits.head_bytes`, and whether they are all there is.

        A stream that breaks within them gives what came before, and reading it says why; one that breaks before
        its first byte raises Rejected.
        """
        wanted = self.limits.head_bytes
        if self.seekable:
            return self.source.read(0, min(wanted, self.source.size_bytes)), self.source.size_bytes <= wanted
        head = b""
        try:
            for piece in self.stream():
                head += piece
                if len(head) > wanted:
                    return head[:wanted], False
        except BrokenStream as broken:
            if not head:
                raise refused(broken.code, row=0) from None
            return head, False
        return head, True

    def refuse_broken_head(self) -> None:
        """Raise Rejected when the stream breaks within its first `limits.head_bytes`."""
        left = self.limits.head_bytes
        try:
            for piece in self.stream():
                left -= len(piece)
                if left < 0:
                    return
        except BrokenStream as broken:
            raise refused(broken.code, row=0) from None


def _utf8(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in pieces:
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError:
        raise BrokenStream("damaged_utf16") from None
