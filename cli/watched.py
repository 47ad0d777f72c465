"""A source that records how far into the file it has been read, for a progress bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from activation.drops.chunk import ByteSource


@dataclass(frozen=True)
class Watched:
    """A source that records how far into the file it has been read; `before` bytes are in the files before it."""

    source: ByteSource
    reached: Callable[[int], None]
    before: int = 0

    @property
    def size_bytes(self) -> int:
        """The stored size."""
        return self.source.size_bytes

    def read(self, offset: int, length: int) -> bytes:
        """Return the source's bytes."""
        self.reached(self.before + min(offset + length, self.size_bytes))
        return self.source.read(offset, length)
