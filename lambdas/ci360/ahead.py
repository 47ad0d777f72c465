"""Reading ahead of the work: the next pieces of a file come in while the last part is checked and sent off."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, Self

PIECES = 8  # that wait to be worked on


class Readable(Protocol):
    """What can be read ahead of: a source.Opened."""

    def read(self, length: int) -> bytes:
        """Read up to `length` bytes, b"" at the end."""
        ...

    def interrupt(self) -> None:
        """Let a `read` that another thread waits in end soon, in any way."""
        ...


class Ahead:
    """Reads a file in a thread of its own, at most PIECES of `piece_bytes` ahead. Use it in a `with` block."""

    def __init__(self, file: Readable, piece_bytes: int) -> None:
        self._file = file
        self._piece_bytes = piece_bytes
        self._reader = ThreadPoolExecutor(1)
        self._coming: deque[Future[bytes]] = deque()
        self._piece = memoryview(b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What nobody waits for is not read any more, and a server that is silent holds nobody up.
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._file.interrupt()
        self._reader.shutdown(wait=True)

    def read(self, length: int) -> memoryview:
        """Give the next bytes, at most `length`, none at the end of the file; raises as the file's `read` does."""
        if not self._piece:
            while len(self._coming) < PIECES:
                self._coming.append(self._reader.submit(self._file.read, self._piece_bytes))
            self._piece = memoryview(self._coming.popleft().result())
        given, self._piece = self._piece[:length], self._piece[length:]
        return given
