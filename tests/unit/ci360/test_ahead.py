"""Reading ahead: the bytes in their order, an error in its place, never far ahead, never held up."""

from __future__ import annotations

import io
import threading
import time

import pytest
from activation.errors import Retryable
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.ci360.ahead import PIECES, Ahead

WAIT_S = 10.0  # far above what any of it takes


class File:
    """A file in memory; `breaks` makes reading fail behind its end, `stalls` makes it wait until interrupted."""

    def __init__(self, content: bytes, *, breaks: bool = False, stalls: bool = False) -> None:
        self._content = io.BytesIO(content)
        self._breaks, self._stalls = breaks, stalls
        self._interrupted = threading.Event()
        self.reads = 0

    def read(self, length: int) -> bytes:
        """Read up to `length` bytes."""
        self.reads += 1
        piece = self._content.read(length)
        if not piece and self._stalls:
            assert self._interrupted.wait(WAIT_S)
        if not piece and (self._breaks or self._stalls):
            raise Retryable("source_broke_off", "reading the file broke off")
        return piece

    def interrupt(self) -> None:
        """End the wait."""
        self._interrupted.set()


@given(st.binary(max_size=300), st.integers(1, 40), st.lists(st.integers(1, 60), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_the_bytes_come_in_their_order(content: bytes, piece_bytes: int, lengths: list[int]) -> None:
    """Whatever is asked for at a time, the file comes whole, and after it nothing."""
    got = b""
    with Ahead(File(content), piece_bytes) as ahead:
        for turn in range(len(content) + 1):
            piece = ahead.read(lengths[turn % len(lengths)])
            if not piece:
                break
            assert len(piece) <= lengths[turn % len(lengths)]
            got += piece
        assert not ahead.read(1)
    assert got == content


def test_an_error_comes_behind_what_was_read_before_it() -> None:
    """What had come when the connection broke is not lost by having been read ahead."""
    with Ahead(File(b"abcdef", breaks=True), 4) as ahead:
        assert bytes(ahead.read(4)) + bytes(ahead.read(4)) == b"abcdef"
        with pytest.raises(Retryable):
            ahead.read(4)


def test_it_reads_only_so_far_ahead() -> None:
    """Memory is bounded by the pieces that wait, however slowly they are taken."""
    file = File(b"x" * 100)
    with Ahead(file, 1) as ahead:
        ahead.read(1)
        deadline = time.monotonic() + WAIT_S
        while file.reads < PIECES and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.02)
        assert file.reads == PIECES


def test_a_silent_server_holds_nobody_up() -> None:
    """Whoever stops in the middle does not wait for the read that is going on."""
    file = File(b"abcd", stalls=True)
    began = time.monotonic()
    with Ahead(file, 4) as ahead:
        assert bytes(ahead.read(4)) == b"abcd"
    assert time.monotonic() - began < WAIT_S / 2
