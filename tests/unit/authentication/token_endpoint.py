"""A token endpoint on this machine: hands out access tokens and rotates refresh tokens as it is told."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

PATH = "/login/oauth2/access_token"


@dataclass
class Fault:
    """What goes wrong with one call: an answer in place of the right one, or none.

    `applied` says whether the platform does what it was asked all the same; `drop` closes the connection.
    """

    status: int = 200
    body: bytes | Mapping[str, Any] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    applied: bool = False
    drop: bool = False


@dataclass
class TokenEndpoint:
    """The platform's side: who may ask, and which refresh tokens are good.

    `rotation` is "strict" (each refresh token works once), "lenient" (the one before works until the newest is
    used) or "none". Everything it ever issued is in `issued`.
    """

    rotation: str = "none"
    expires_in: object = 1800
    client: tuple[str, str] = ("client-1", "s3cret/+")
    current: str = "refresh-0"
    before: str = ""
    issued: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    url: str = ""
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def calls(self) -> int:
        """Return how often it was asked."""
        return len(self.forms)

    def answer(self, method: str, path: str, headers: dict[str, str], body: str) -> Fault:
        """Answer one call; the answer has the shape of a fault."""
        with self._lock:
            form = dict(parse_qsl(body if method == "POST" else urlsplit(path).query, strict_parsing=True))
            self.forms.append(form)
            self.headers.append(headers)
            fault = self.faults.pop(0) if self.faults else None
            if fault is not None and not fault.applied:
                return fault
            right = self._exchange(form) if method == "GET" else self._refresh(form, headers)
            return right if fault is None else fault

    def _refresh(self, form: dict[str, str], headers: dict[str, str]) -> Fault:
        client = (form.get("client_id", ""), form.get("client_secret", ""))
        if (kind := headers.get("authorization", "")).startswith("Basic "):
            pair = base64.b64decode(kind.removeprefix("Basic ")).decode().split(":")
            client = (unquote_plus(pair[0]), unquote_plus(pair[1]))
        if client != self.client:
            return _refusal("invalid_client", 401)
        if form["grant_type"] != "refresh_token":
            return _refusal("unsupported_grant_type")
        good = {self.current, self.before} if self.rotation == "lenient" else {self.current}
        if form["refresh_token"] not in good:
            return _refusal("invalid_grant")
        more = {}
        if self.rotation != "none":
            if form["refresh_token"] == self.current:
                self.before = self.current
            self.current = self._issue("refresh")
            more = {"refresh_token": self.current}
        return self._grant(more)

    def _exchange(self, form: dict[str, str]) -> Fault:
        if (form["client_id"], form["client_secret"]) != self.client:
            error = {"message": "Error validating client secret.", "type": "OAuthException", "code": 1}
            return Fault(400, {"error": error | {"code": 101}})
        if form["fb_exchange_token"] != self.current:
            return Fault(400, {"error": {"message": "expired", "type": "OAuthException", "code": 190}})
        answer = self._grant({})
        self.current = self.issued[-1]
        return answer

    def _grant(self, more: Mapping[str, object]) -> Fault:
        body: dict[str, object] = {"access_token": self._issue("access"), "token_type": "bearer", **more}
        if self.expires_in is not None:
            body["expires_in"] = self.expires_in
        return Fault(200, body)

    def _issue(self, kind: str) -> str:
        token = f"{kind}-t0ken-{next(self._count)}"
        self.issued.append(token)
        return token


def _refusal(code: str, status: int = 400) -> Fault:
    return Fault(status, {"error": code, "error_description": "t0ken"})


@contextmanager
def serving(endpoint: TokenEndpoint) -> Iterator[TokenEndpoint]:
    """Serve it over HTTP on a free port; its `url` is that server's."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._do()

        def do_GET(self) -> None:
            self._do()

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = endpoint.answer(self.command, self.path, headers, body)
            if answer.drop or urlsplit(self.path).path != PATH:
                self.close_connection = True
                return
            content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
