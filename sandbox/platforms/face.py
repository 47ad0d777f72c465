"""The test routes of every simulator, `/_sim/...`: its state, journal and faults, beside the platform's own API.

GET  /_sim/state?members=0   audiences with id, name, count and members as sent; members=0 leaves them out
GET  /_sim/requests          one row per call: route, status, rows, digest of the rows, whether applied
GET  /_sim/secret            what a client's secret holds to use this simulator
GET  /_sim/config            the settings in force
POST /_sim/config            change settings: see the platform's settings module
GET  /_sim/faults            faults still to come
POST /_sim/faults            a JSON list that replaces the script: see sandbox.platforms.faults
POST /_sim/watch             a JSON list of texts: the journal marks the calls that carry one from now on
POST /_sim/clock             {"advance_s": n} moves the platform's time ahead
POST /_sim/reset             forget everything
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.platforms.clock import Clock
from sandbox.platforms.faults import Fault, FaultScript
from sandbox.platforms.journal import Entry, Journal
from sandbox.platforms.server import TRANSPORT

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Call = TypeVar("Call")
Endpoint = Callable[[Request], Awaitable[Response]]
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


class Platform(Protocol[Call]):
    """A simulated platform, as its test routes use it. It lives in the clock it was built with."""

    name: str
    clock: Clock

    def latency_s(self) -> float:
        """Return the delay of every answer, in seconds."""
        ...

    async def read(self, request: Request, entry: Entry) -> Call:
        """Read the call: fill in the entry's rows and digest; change nothing and refuse nothing yet."""
        ...

    async def answer(self, call: Call, entry: Entry) -> Response:
        """Check, apply and answer the call as the platform does; set the entry's `applied`."""
        ...

    def state(self) -> tuple[Mapping[str, Any], Iterator[tuple[Mapping[str, Any], Iterator[Any]]]]:
        """Return what to show of the platform, then each audience with an iterator over its members."""
        ...

    def secret(self, endpoint: str) -> Mapping[str, Any]:
        """Return the secret of the default account, for a client that calls the simulator at `endpoint`."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """Return the current settings, as JSON."""
        ...

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings; raises ValueError naming each mistake."""
        ...

    def reset(self) -> None:
        """Forget everything but the default account and token."""
        ...


class _NoAnswer(Response):
    """Close the connection without a byte."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's signature
        scope["extensions"][TRANSPORT]["transport"].abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class _Face(Generic[Call]):
    def __init__(self, platform: Platform[Call]) -> None:
        self.platform = platform
        self.journal = Journal()
        self.faults = FaultScript()
        self.first: Mapping[str, Any] = {}
        self.watched: list[bytes] = []

    def begin_with(self, settings: Mapping[str, Any]) -> None:
        """Change settings now and after each reset; raises ValueError naming each mistake."""
        self.platform.configure(settings)
        self.first = settings

    def parts(self) -> dict[str, Any]:
        """Return what the simulator holds, without what belongs to its process alone."""
        own = getattr(self.platform, "of_this_process", ())
        kept = {name: part for name, part in vars(self.platform).items() if name not in own}
        return {"platform": kept, "journal": self.journal, "faults": self.faults, "watched": self.watched}

    def restore(self, parts: dict[str, Any]) -> None:
        """Continue where another process ended."""
        vars(self.platform).update(parts["platform"])
        self.journal, self.faults, self.watched = parts["journal"], parts["faults"], parts["watched"]

    async def call(self, request: Request) -> Response:
        """Answer a call of the platform's API, or apply the fault that the script has for it."""
        route = f"{request.method} {request.url.path}"
        journal = self.journal
        entry = journal.open(self.platform.clock.now(), request.method, request.url.path)
        try:
            if self.watched:
                sent = str(request.url).encode() + await request.body()  # Starlette keeps it for the platform
                entry.watched = any(text in sent for text in self.watched)
            call = await self.platform.read(request, entry)
        except ClientDisconnect:
            entry.note["client"] = "went away while sending"
            return _NoAnswer()
        fault = self.faults.take(route)
        await asyncio.sleep(self.platform.latency_s() + (fault.delay_s if fault else 0.0))
        if journal is not self.journal:  # reset meanwhile: the call was made to the platform as it was before
            return _NoAnswer()
        response = await (self._struck(fault, call, entry) if fault else self.platform.answer(call, entry))
        entry.status = 0 if isinstance(response, _NoAnswer) else response.status_code
        return response

    async def _struck(self, fault: Fault, call: Call, entry: Entry) -> Response:
        entry.fault = fault.drop or ("status" if fault.status is not None else "delay")
        if fault.drop == "before":
            return _NoAnswer()
        if fault.drop == "after":
            await self.platform.answer(call, entry)
            return _NoAnswer()
        if fault.status is not None:
            headers = {"Content-Type": "application/json", **fault.headers}
            return Response(fault.body_bytes(), status_code=fault.status, headers=headers)
        return await self.platform.answer(call, entry)

    async def state(self, request: Request) -> Response:
        wanted = request.query_params.get("members", "1") not in ("0", "false")
        return StreamingResponse(self._state(with_members=wanted), media_type="application/json")

    def _state(self, *, with_members: bool) -> Iterator[str]:
        about, audiences = self.platform.state()
        head = {"platform": self.platform.name, "time": self.platform.clock.now(), **about}
        yield json.dumps({**head, "counters": self.journal.counters()})[:-1] + ', "audiences": ['
        for number, (audience, members) in enumerate(audiences):
            yield (", " if number else "") + json.dumps(audience)[:-1]
            if with_members:
                yield ', "members": ['
                yield from _joined(members)
                yield "]"
            yield "}"
        yield "]}"

    async def requests(self, _: Request) -> Response:
        return JSONResponse([entry.as_json() for entry in self.journal.entries])

    async def secret(self, request: Request) -> Response:
        return JSONResponse(self.platform.secret(str(request.base_url).rstrip("/")))

    async def config(self, request: Request) -> Response:
        if request.method == "POST":
            changes = await request.json()
            if not isinstance(changes, dict):
                raise ValueError("the settings are a JSON object")
            self.platform.configure(changes)
        return JSONResponse(self.platform.settings())

    async def script(self, request: Request) -> Response:
        if request.method == "POST":
            self.faults.load(await request.json())
        return JSONResponse(self.faults.pending())

    async def watch(self, request: Request) -> Response:
        texts = await request.json()
        if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
            raise ValueError("send a JSON list of texts")
        self.watched = [text.encode() for text in texts]
        return JSONResponse({"watched": len(texts)})

    async def clock(self, request: Request) -> Response:
        wanted = await request.json()
        seconds = wanted.get("advance_s") if isinstance(wanted, dict) else None
        if not isinstance(seconds, int | float):
            raise ValueError('send {"advance_s": seconds}')
        return JSONResponse({"time": self.platform.clock.advance(seconds)})

    async def reset(self, _: Request) -> Response:
        self.platform.clock.reset()
        self.platform.reset()
        self.platform.configure(self.first)
        self.journal = Journal()
        self.faults = FaultScript()
        self.watched = []
        return JSONResponse({"reset": True})


def _joined(members: Iterator[Any], rows_per_chunk: int = 5000) -> Iterator[str]:
    before = ""
    while chunk := list(itertools.islice(members, rows_per_chunk)):
        yield before + json.dumps(chunk)[1:-1]
        before = ", "


def _checked(endpoint: Endpoint) -> Endpoint:
    """Answer 400 with the mistakes if a test sends a route something it cannot read."""

    async def checked(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return checked


def with_face(platform: Platform[Call]) -> Starlette:
    """Return the application that serves a platform's API and its test routes; its state has the `face`."""
    face = _Face(platform)
    routes = [
        Route("/_sim/state", face.state, methods=["GET"]),
        Route("/_sim/requests", face.requests, methods=["GET"]),
        Route("/_sim/secret", face.secret, methods=["GET"]),
        Route("/_sim/config", _checked(face.config), methods=["GET", "POST"]),
        Route("/_sim/faults", _checked(face.script), methods=["GET", "POST"]),
        Route("/_sim/watch", _checked(face.watch), methods=["POST"]),
        Route("/_sim/clock", _checked(face.clock), methods=["POST"]),
        Route("/_sim/reset", face.reset, methods=["POST"]),
        Route("/{path:path}", face.call, methods=_METHODS),
    ]
    app = Starlette(routes=routes)
    app.state.face = face
    return app
