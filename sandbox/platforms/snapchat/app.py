"""The simulated Snapchat as an application: from an HTTP request to an endpoint and an envelope."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import JSONResponse, PlainTextResponse

from sandbox.platforms import people
from sandbox.platforms.clock import Clock
from sandbox.platforms.face import with_face
from sandbox.platforms.journal import Entry, digest_of_rows
from sandbox.platforms.snapchat import oauth
from sandbox.platforms.snapchat.endpoints import Endpoint, SnapCall, find
from sandbox.platforms.snapchat.errors import OAuthError, SnapError, invalid
from sandbox.platforms.snapchat.settings import DEFAULT_AD_ACCOUNT, DEFAULT_CLIENT_ID, SoftError, StatusWords
from sandbox.platforms.snapchat.world import World

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_SPELLINGS = (str.upper, str.lower, str.title)


@dataclass(frozen=True)
class Read:
    """A received request; `problem` is what is wrong with its body, for endpoints that need one."""

    method: str
    path: str
    url: str
    query: Mapping[str, str]
    authorization: str
    content_type: str
    raw: bytes
    body: Any = None
    problem: str = ""


class SnapchatPlatform:
    """Snapchat's Marketing API, what customer lists need of it, and its token endpoint."""

    name = "snapchat"

    def __init__(self) -> None:
        self.clock = Clock()
        self.world = World(self.clock)
        self._spellings = itertools.cycle(_SPELLINGS)

    def latency_s(self) -> float:
        """Return the delay of every answer, in seconds."""
        return self.world.settings.latency_s

    def settings(self) -> Mapping[str, Any]:
        """Return the current settings."""
        return dataclasses.asdict(self.world.settings)

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings and audiences."""
        self.world.configure(changes)

    def reset(self) -> None:
        """Discard everything but the default ad account, client and refresh token."""
        self.world.reset()
        self._spellings = itertools.cycle(_SPELLINGS)

    def secret(self, endpoint: str) -> Mapping[str, Any]:
        """Return the default client's secret, with the currently valid refresh token."""
        return {
            "client_id": DEFAULT_CLIENT_ID,
            "client_secret": self.world.settings.client_secret,
            "refresh_token": self.world.tokens.current,
            "ad_account_id": DEFAULT_AD_ACCOUNT,
            "endpoint": endpoint,
        }

    def state(self) -> tuple[Mapping[str, Any], Iterator[tuple[Mapping[str, Any], Iterator[Any]]]]:
        """Return the tokens as counts and digests, and every segment, with a group of `schemas` per kind."""
        now = self.clock.now()
        for segment in self.world.segments.values():
            segment.expire(now)  # here, because the iterator is read in another thread while calls go on

        def audiences() -> Iterator[tuple[Mapping[str, Any], Iterator[Any]]]:
            for one in list(self.world.segments.values()):
                shown = one.shown(now, self.world.settings)
                groups = one.groups()
                schemas = [{"schema": [kind], "count": len(hashes)} for kind, hashes in groups]
                count = sum(len(hashes) for _, hashes in groups)
                rows = ([one.hex()] for _, hashes in groups for one in hashes)
                held = people.shown(self.world.settings.identity, one.people)
                yield {**shown, "count": count, "schemas": schemas, **held}, rows

        accounts = list(self.world.settings.ad_accounts)
        return {"ad_accounts": accounts, "tokens": self.world.tokens.shown()}, audiences()

    async def read(self, request: Request, entry: Entry) -> Read:
        """Read a call and note the rows it carries."""
        raw = await request.body()
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body, problem = None, ""
        if content_type != "application/json":
            problem = "Content-Type must be application/json"
        elif "content-encoding" in request.headers:
            problem = "the body must not be compressed"
        else:
            try:
                body = orjson.loads(raw)
            except ValueError:
                problem = "the body is not JSON"
        _note_rows(entry, body)
        return Read(
            request.method,
            request.url.path,
            str(request.url.replace(query="")),
            dict(request.query_params),
            request.headers.get("authorization", ""),
            content_type,
            raw,
            body,
            problem,
        )

    async def answer(self, call: Read, entry: Entry) -> Response:
        """Answer as Snapchat does: an envelope, except for a 401 and a 429, and the token endpoint's own form."""
        if call.path == oauth.TOKEN_PATH:
            return self._tokens(call, entry)
        request_id = str(uuid.uuid4())
        try:
            body = self._answered(call, entry, request_id)
        except SnapError as error:
            if error.plain:
                return PlainTextResponse(error.message, error.status, error.headers)
            soft = error.status == 400 and self.world.settings.soft_refusals
            status = 200 if soft else error.status
            return JSONResponse(error.envelope(self._word("ERROR"), request_id), status, error.headers)
        return JSONResponse(body)

    def _tokens(self, call: Read, entry: Entry) -> Response:
        if call.method != "POST":
            return PlainTextResponse("Method Not Allowed", 405, {"Allow": "POST"})
        try:
            body = oauth.exchange(self.world, call.content_type, call.raw)
        except OAuthError as error:
            entry.note["error"] = error.error
            refusal = {"error": error.error, "error_description": error.description}
            return JSONResponse(refusal, error.status, oauth.HEADERS)
        entry.applied = True
        return JSONResponse(body, headers=oauth.HEADERS)

    def _answered(self, call: Read, entry: Entry, request_id: str) -> dict[str, Any]:
        self.world.authorize(call.authorization)
        endpoint, identifier = find(call.method, call.path)
        if endpoint.writes and self.world.spends_soft_error():
            return self._soft_error(endpoint, request_id)
        if endpoint.has_body and call.problem:
            raise invalid(call.problem)
        snap = SnapCall(self.world, identifier, call.url, call.query, call.body)
        things = endpoint.run(snap)
        entry.applied = snap.applied
        entry.note.update(snap.note)
        success = self._word("success" if call.method == "POST" and endpoint.thing == "segment" else "SUCCESS")
        return {
            "request_status": success,
            "request_id": request_id,
            **({"paging": snap.paging} if snap.paging else {}),
            f"{endpoint.thing}s": [{"sub_request_status": success, endpoint.thing: one} for one in things],
        }

    def _soft_error(self, endpoint: Endpoint, request_id: str) -> dict[str, Any]:
        if self.world.settings.soft_error_in is SoftError.REQUEST:
            return {"request_status": self._word("ERROR"), "request_id": request_id}
        failed = {
            "sub_request_status": self._word("ERROR"),
            "sub_request_error_reason": "The request could not be processed",
        }
        return {
            "request_status": self._word("SUCCESS"),
            "request_id": request_id,
            f"{endpoint.thing}s": [failed],
        }

    def _word(self, documented: str) -> str:
        if self.world.settings.status_words is StatusWords.DOCUMENTED:
            return documented
        return next(self._spellings)(documented)


def _note_rows(entry: Entry, body: Any) -> None:
    """Note the rows of an upload or removal; unreadable bodies are left to the answer."""
    users = body.get("users") if isinstance(body, dict) else None
    sent = users[0] if isinstance(users, list) and users else None
    if isinstance(sent, dict) and isinstance(sent.get("data"), list):
        entry.rows, entry.digest = len(sent["data"]), digest_of_rows(sent["data"])


def build() -> Starlette:
    """Return a new simulator: one ad account, one client with its refresh token, no segment."""
    return with_face(SnapchatPlatform())
