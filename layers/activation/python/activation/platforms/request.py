"""One HTTP request to an ad platform and its answer, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Stream:
    """A body in pieces, which is not joined: it would take as much memory once more.

    `size_bytes` is its length. `pieces` returns the pieces, the same ones on every call.
    """

    size_bytes: int
    pieces: Callable[[], Iterator[bytes | memoryview]] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Request:
    """One HTTP request, complete except for its authentication, which the core adds to each attempt.

    `call` is the publisher's own name of the platform's operation ("users", "create"); `classify` and the logs use
    it. `method` and `url` are HTTP's. `headers` contain no token before the request is signed. `body` is the whole
    body, unless it is large and comes as a `stream`. `rows` is how many lines of people the body carries, 0 for
    none. `repeatable` is False if sending the request twice does harm (creating an audience): the core never
    repeats it after its answer was lost. `context` is a note from the publisher to its own `classify`; it says
    nothing about a person.
    """

    call: str
    method: str
    url: str = field(repr=False)  # may hold a proof made of the token once signed
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # holds the token once signed
    body: bytes = field(default=b"", repr=False)  # holds people
    rows: int = 0
    repeatable: bool = True
    context: str = ""
    stream: Stream | None = field(default=None, repr=False)

    @property
    def size_bytes(self) -> int:
        """Return the body's length in bytes."""
        return len(self.body) if self.stream is None else self.stream.size_bytes

    @property
    def content(self) -> bytes:
        """Return the whole body, in memory."""
        return self.body if self.stream is None else b"".join(self.stream.pieces())


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: `status` (0 when none came), `headers` with lower-case names, and the `body`'s bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)  # may echo people, and links that carry the token
