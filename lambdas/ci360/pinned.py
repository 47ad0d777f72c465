"""A TLS connection to an address that was checked, for a name: server name, certificate and Host are the name's.

The standard library's: it reads into memory that is given to it, and does nothing by itself. It neither resolves
the name, nor follows, retries, decompresses or keeps anything.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse

from lambdas.ci360.links import HTTPS_PORT


class NotReached(Exception):
    """Nothing accepts connections at the address; another one of the name's may be tried."""


class Pinned(HTTPConnection):
    """One connection, for one request. `connect_s` bounds connecting, `silence_s` every wait after it."""

    def __init__(
        self, host: str, port: int, *, address: str, context: ssl.SSLContext, connect_s: float, silence_s: float
    ) -> None:
        super().__init__(host, port, timeout=connect_s)
        self._address, self._context, self._silence_s = address, context, silence_s
        self._answer: HTTPResponse | None = None

    def connect(self) -> None:
        """Connect to the address; raises NotReached, OSError, ssl.SSLError for a certificate of another name."""
        try:
            plain = socket.create_connection((self._address, self.port), self.timeout)
        except OSError as error:
            raise NotReached from error
        try:
            self.sock = self._context.wrap_socket(plain, server_hostname=self.host)
        except OSError:
            plain.close()
            raise
        self.sock.settimeout(self._silence_s)

    def get(self, target: str, headers: Mapping[str, str]) -> HTTPResponse:
        """Ask for a target; raises http.client.HTTPException and OSError."""
        host = self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"
        self.request("GET", target, headers={**headers, "Host": host, "Accept-Encoding": "identity"})
        self._answer = self.getresponse()
        return self._answer

    def close(self) -> None:
        """Close the connection, in the middle of an answer too."""
        super().close()
        if self._answer is not None:
            self._answer.close()
