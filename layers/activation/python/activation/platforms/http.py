"""The only module that opens connections to ad platforms."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Iterator
from typing import Protocol

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)

from activation.errors import ConfigError
from activation.platforms.request import Answer, Request

MAX_ANSWER_BYTES = 8 * 1024 * 1024  # these APIs answer with a few kB; a longer answer is not theirs
PIECE_BYTES = 64 * 1024


class NotSent(Exception):
    """The request never reached the platform; it is safe to send it again."""


class AnswerLost(Exception):
    """The request may or may not have been applied: the connection broke or went silent after it was sent."""


class Http(Protocol):
    """Sends requests."""

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Send a request and return its answer.

        Raises NotSent, AnswerLost, or ConfigError when the server's certificate cannot be verified.
        """
        ...


class PooledHttp:
    """HTTP over pooled connections: no redirects, no retries, certificates always verified.

    A redirect is an answer like any other: an ad platform's API does not redirect, and following one would
    carry the token to wherever it points.
    """

    def __init__(self, *, connections: int, connect_timeout_s: float = 10.0) -> None:
        self._connect_timeout_s = connect_timeout_s
        # At debug level this library logs URLs, which may hold a proof made of the token.
        logging.getLogger("urllib3").setLevel(logging.INFO)
        self._pool = urllib3.PoolManager(maxsize=connections, block=False, retries=False)

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Send a request and read the whole answer.

        Ends after `timeout_s` seconds of silence, or when the answer is still incomplete after that time.
        """
        ends_at = time.monotonic() + timeout_s
        length = {"Content-Length": str(request.size_bytes)} if request.size_bytes else {}
        timeout = urllib3.Timeout(connect=self._connect_timeout_s, read=timeout_s)
        try:
            response = self._pool.request(
                request.method,
                request.url,
                body=_pieces(request, ends_at) if request.size_bytes else None,
                headers={**request.headers, **length},
                timeout=timeout,
                redirect=False,
                preload_content=False,
            )
        except (NewConnectionError, ConnectTimeoutError, NameResolutionError) as error:
            raise NotSent(type(error).__name__) from None
        except SSLError as error:
            if not any(isinstance(one, ssl.SSLCertVerificationError) for one in (error.__cause__, *error.args)):
                raise AnswerLost(type(error).__name__) from None  # a connection cut in the middle, too
            raise ConfigError(
                "tls", "the platform's certificate could not be verified; nothing was sent to it"
            ) from None
        except (HTTPError, OSError) as error:
            raise AnswerLost(type(error).__name__) from None
        try:
            body = _whole(response, ends_at)
        except (HTTPError, OSError) as error:
            response.close()
            raise AnswerLost(type(error).__name__) from None
        response.release_conn()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, headers, body)


def _pieces(request: Request, ends_at: float) -> Iterator[bytes]:
    """Yield a body in pieces, so that the socket's timeout applies to each piece and not to the whole body.

    Raises TimeoutError once `ends_at` has passed, after the platform received only part of the body.
    """
    for part in (request.body,) if request.stream is None else request.stream.pieces():
        whole = memoryview(part)
        for start in range(0, len(whole), PIECE_BYTES):
            if time.monotonic() > ends_at:
                raise TimeoutError("the request is too slow")
            yield bytes(whole[start : start + PIECE_BYTES])


def _whole(response: urllib3.BaseHTTPResponse, ends_at: float) -> bytes:
    """Read the body; raises OSError when it is too long or too slow."""
    body = bytearray()
    while piece := response.read1(PIECE_BYTES, decode_content=True):
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise OSError("the answer is too long")
        if time.monotonic() > ends_at:
            raise TimeoutError("the answer is too slow")
    return bytes(body)
