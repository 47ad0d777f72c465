"""What stands before every page: who may ask, and what a browser may do with the answer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
ENTRANCE = "/enter"  # the page that the command prints, with the key
# Styles have pictures of their own as data: URLs; nothing else comes from anywhere but this server.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with none at all, a form would say that it comes from nowhere
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Guard:
    """An ASGI application in front of `app`, which answers on this machine's port `port` alone.

    The Host header has to name this machine, so that no other site's name can be pointed here (DNS rebinding). A
    browser has to have come by the entrance with `key`, which only who started the command has seen: other users
    of this machine reach the port, too. A form has to come from a page of ours.
    """

    app: ASGIApp
    port: int
    key: str

    @property
    def entrance(self) -> str:
        """Return the URL to open first."""
        return f"http://{HOST}:{self.port}{ENTRANCE}?key={self.key}"

    @property
    def _cookie(self) -> str:
        return f"activation_console_{self.port}"  # cookies do not tell ports apart, and two consoles may run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand the request on; every answer has the headers."""
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer: ASGIApp = self._refusal(scope) or self.app
        await answer(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that may not go on, None for one that may."""
        headers = Headers(scope=scope)
        if headers.get("host") not in (f"{HOST}:{self.port}", f"localhost:{self.port}"):
            return PlainTextResponse("This is not the address that the command has printed.", 421)
        if scope["path"] == ENTRANCE:
            return self._enter(scope)
        if not self._has_entered(headers):
            return PlainTextResponse("Open the address that `activation console` has printed.", 403)
        if scope["method"] not in ("GET", "HEAD") and not self._is_ours(headers):
            return PlainTextResponse("This form is not from a page of the console.", 403)
        return None

    def _enter(self, scope: Scope) -> Response:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0]
        if not secrets.compare_digest(given.encode(), self.key.encode()):
            return PlainTextResponse("Open the address that `activation console` has printed.", 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, self.key, httponly=True, samesite="strict", path="/")
        return answer

    def _has_entered(self, headers: Headers) -> bool:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        found = cookies.get(self._cookie)
        return found is not None and secrets.compare_digest(found.value.encode(), self.key.encode())

    def _is_ours(self, headers: Headers) -> bool:
        origins = (f"http://{HOST}:{self.port}", f"http://localhost:{self.port}")
        return headers.get("origin") in origins and headers.get("sec-fetch-site", "same-origin") == "same-origin"
