"""Fetching a staged file over a connection that cannot be led anywhere else: pinned, bounded, resumable."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Self

from activation.errors import ActivationError, Rejected, Retryable

from lambdas.ci360.addresses import Resolve, checked_addresses, system_resolve
from lambdas.ci360.links import AllowedHosts, Link
from lambdas.ci360.pinned import NotReached, Pinned

CONNECT_S = 5.0
SILENCE_S = 20.0  # between two reads; the occurrence's lease outlasts it
_ERROR_BYTES = 4096
_SKIPPED_BYTES = 64 * 1024  # at a time
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
# S3's words for a link that was good once:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (read 2026-11-22)
_EXPIRED = (b"Request has expired", b"ExpiredToken", b"<Code>AccessDenied</Code><Message>Request has expired")


@dataclass(frozen=True)
class Facts:
    """What the server says of the file: its size, and the entity tag by which another version would show."""

    size_bytes: int
    etag: str


class OpenFile:
    """A file being read, from `offset` on. Use it in a `with` block."""

    def __init__(
        self, facts: Facts, connection: Pinned, response: HTTPResponse, to_skip: int, expected: int
    ) -> None:
        self.facts = facts
        self._connection = connection
        self._response = response
        self._to_skip = to_skip
        self._left = expected

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def read(self, length: int) -> bytes:
        """Read up to `length` bytes, b"" at the end of the file; raises Retryable when the connection fails."""
        piece = bytearray(min(length, self._left - self._to_skip))
        return bytes(piece[: self.readinto(memoryview(piece))])

    def readinto(self, space: memoryview) -> int:
        """Read into `space` and return how many bytes came, 0 at the end of the file; raises as `read` does."""
        while self._to_skip:
            self._to_skip -= self._some(memoryview(bytearray(min(self._to_skip, _SKIPPED_BYTES))))
        return self._some(space[: self._left]) if self._left else 0

    def _some(self, space: memoryview) -> int:
        try:
            came = self._response.readinto(space)
        except (HTTPException, OSError) as error:
            raise Retryable("source_broke_off", f"reading the file broke off: {type(error).__name__}") from None
        if not came:
            raise Retryable("source_broke_off", "the file ended before the length its server had announced")
        self._left -= came
        return came


class Source:
    """Opens links. No redirects, no retries, no decompression, no address that was not checked."""

    def __init__(
        self,
        hosts: AllowedHosts,
        *,
        laptop_ca: str = "",
        resolve: Resolve = system_resolve,
        connect_s: float = CONNECT_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        """Fetch from `hosts`; `laptop_ca` is the certificate of the sandbox's authority, for it alone."""
        self._hosts = hosts
        self._laptop_ca = laptop_ca
        self._resolve = resolve
        self._connect_s, self._silence_s = connect_s, silence_s
        self._public = _context("")

    def read_whole(self, link: Link, *, max_bytes: int) -> bytes:
        """Read a small file; raises as `open` does."""
        with self.open(link, max_bytes=max_bytes) as file:
            parts = []
            while piece := file.read(max_bytes):
                parts.append(piece)
            return b"".join(parts)

    def open(self, link: Link, *, max_bytes: int, offset: int = 0, known: Facts | None = None) -> OpenFile:
        """Open a file for reading from `offset` on; `known` is what was said of it when it was first opened.

        Raises Rejected when the file can never be had: the link has expired or is refused, a redirect, no length
        or one above `max_bytes`, an encoding, another file than before. Raises Retryable when it may be had later.
        """
        self._hosts.check(link)
        connection = self._connect(link)
        try:
            response = connection.get(link.target, _range_headers(offset, known))
            facts, skip, left = _read_head(response, max_bytes, offset, known)
        except ActivationError:
            connection.close()
            raise
        except (HTTPException, OSError) as error:
            connection.close()
            raise Retryable("source_no_answer", f"the server did not answer: {type(error).__name__}") from None
        return OpenFile(facts, connection, response, skip, left)

    def _connect(self, link: Link) -> Pinned:
        laptop = self._hosts.is_laptop(link)
        context = _context(self._laptop_ca) if laptop and self._laptop_ca else self._public
        # The name is resolved here and nowhere else.
        for address in checked_addresses(link.host, link.port, laptop=laptop, resolve=self._resolve):
            connection = Pinned(
                link.host,
                link.port,
                address=address,
                context=context,
                connect_s=self._connect_s,
                silence_s=self._silence_s,
            )
            try:
                connection.connect()
            except NotReached:
                continue
            except ssl.SSLError:
                raise Rejected(
                    "tls", "the server's certificate could not be verified for the link's host"
                ) from None
            except OSError as error:
                raise Retryable("source_no_answer", f"the server did not answer: {type(error).__name__}") from None
            return connection
        raise Retryable("source_not_reached", "the server could not be reached")


def _context(authority: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _range_headers(offset: int, known: Facts | None) -> dict[str, str]:
    if not offset:
        return {}
    headers = {"Range": f"bytes={offset}-"}
    if known is not None and known.etag and not known.etag.startswith("W/"):
        # Another file under the same link then comes whole, and is told by its tag:
        # https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5
        headers["If-Range"] = known.etag
    return headers


def _read_head(response: HTTPResponse, max_bytes: int, offset: int, known: Facts | None) -> tuple[Facts, int, int]:
    """Return the facts, how many bytes to skip before `offset`, and how many follow in all."""
    _check_status(response)
    if response.headers.get("Content-Encoding", "identity").lower() not in {"identity", "aws-chunked", ""}:
        raise Rejected(
            "encoded", "the file is sent compressed; CI360's are not, and a part of one could not be read"
        )
    length = response.headers.get("Content-Length", "")
    if "chunked" in response.headers.get("Transfer-Encoding", "").lower() or not length.isdecimal():
        raise Rejected("no_length", "the server does not say how long the file is, so a cut one could not be told")
    follows = int(length)
    start, total = 0, follows
    if response.status == 206:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != offset or int(found[2]) + 1 - offset != follows:
            raise Rejected("wrong_range", "the server sent another part of the file than was asked for")
        start, total = offset, int(found[3])
    facts = Facts(total, response.headers.get("ETag", ""))
    if total > max_bytes:
        raise Rejected("too_large", f"the file has {total} bytes, more than the {max_bytes} that are allowed")
    if known is not None and facts != known:
        raise Rejected("source_changed", "the file is another one than when its transfer began")
    return facts, offset - start, follows


def _check_status(response: HTTPResponse) -> None:
    status = response.status
    if status in (200, 206):
        return
    if 300 <= status < 400:
        raise Rejected("redirect", f"the server redirects ({status}); redirects are not followed")
    if status in (408, 425, 429) or status >= 500:
        wait = response.headers.get("Retry-After", "")
        after_s = min(float(wait), 900.0) if wait.isdecimal() else 30.0
        raise Retryable("source_busy", f"the server answered {status}", after_s=after_s)
    if status == 403:
        beginning = response.read(_ERROR_BYTES)
        if any(word in beginning for word in _EXPIRED):
            raise Rejected(
                "link_expired", "the link has expired; CI360 gives a new one with the next run of the task"
            )
        raise Rejected(
            "link_refused", "the server refuses the link (403): its signature or its session is not good"
        )
    if status in (404, 410):
        raise Rejected("file_gone", f"there is no file behind the link ({status})")
    raise Rejected("link_refused", f"the server refuses the link ({status})")
