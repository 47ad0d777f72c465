"""The simulated TikTok as an application: from an HTTP request to an endpoint and an envelope."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, PlainTextResponse

from sandbox.platforms import people
from sandbox.platforms.clock import Clock
from sandbox.platforms.face import with_face
from sandbox.platforms.journal import Entry
from sandbox.platforms.tiktok.endpoints import ENDPOINTS, TikTokCall, Upload
from sandbox.platforms.tiktok.errors import TikTokError
from sandbox.platforms.tiktok.fields import Fields
from sandbox.platforms.tiktok.files import UPLOAD_TYPES, Contents, contents_of, shown
from sandbox.platforms.tiktok.settings import Advertiser, Token
from sandbox.platforms.tiktok.world import World

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response


@dataclass
class Read:
    """A received request; `problem` is what was wrong with its body."""

    method: str
    path: str
    token: str | None
    fields: Fields
    upload: Upload | None = None
    problem: str = ""


class TikTokPlatform:
    """TikTok's Business API: what customer-file audiences need of it."""

    name = "tiktok"

    def __init__(self) -> None:
        self.clock = Clock()
        self.world = World(self.clock)

    def latency_s(self) -> float:
        """Return the delay of every answer, in seconds."""
        return self.world.settings.latency_s

    def settings(self) -> Mapping[str, Any]:
        """Return the current settings."""
        return self.world.as_settings()

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings, advertisers, tokens and audiences."""
        self.world.configure(changes)

    def reset(self) -> None:
        """Discard everything but the default advertiser and token."""
        self.world.reset()

    def secret(self, endpoint: str) -> Mapping[str, Any]:
        """Return the default advertiser's secret."""
        return {"ACCESS_TOKEN": Token().token, "ADVERTISER_ID": Advertiser().id, "ENDPOINT": endpoint}

    def state(self) -> tuple[Mapping[str, Any], Iterator[tuple[Mapping[str, Any], Iterator[Any]]]]:
        """Return every audience with its current members; work in progress shows in `processing` only."""

        def audiences() -> Iterator[tuple[Mapping[str, Any], Iterator[Any]]]:
            for one in list(self.world.audiences.values()):
                view = self.world.view(one)
                about = {
                    "id": one.id,
                    "advertiser_id": one.advertiser_id,
                    **{key: value for key, value in view.listed().items() if key != "audience_id"},
                    "count": len(one.members),
                    **people.shown(self.world.settings.identity, one.people),
                    "processing": one.work is not None,
                    "history": [change.shown() for change in one.history],
                }
                yield about, shown(one.calculate_type, one.members)

        return {"advertisers": list(self.world.advertisers), "files": len(self.world.files)}, audiences()

    async def read(self, request: Request, entry: Entry) -> Read:
        """Read a call; an uploaded file is parsed outside the event loop."""
        read = Read(request.method, request.url.path, request.headers.get("access-token"), Fields({}))
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method == "GET":
            read.fields = Fields(_joined(request))
        elif kind == "multipart/form-data":
            await _read_form(request, read, entry)
        elif kind == "application/json":
            _read_json(await request.body(), read)
        else:
            await request.body()
            read.problem = "Content-Type must be application/json."
        return read

    async def answer(self, call: Read, entry: Entry) -> Response:
        """Answer as TikTok does: an envelope with HTTP 200, or a plain-text 404 for an unknown path."""
        endpoint = ENDPOINTS.get(call.path)
        if endpoint is None:
            return PlainTextResponse("404 page not found", status_code=404)
        if call.method != endpoint.method:
            return PlainTextResponse("405 method not allowed", status_code=405)
        request_id = f"{int(self.clock.now())}{secrets.token_hex(12).upper()}"
        code, message, data = 0, "OK", {}
        try:
            data = self._answered(call, entry)
        except TikTokError as error:
            code, message = error.code, error.message
        entry.note["code"] = code
        envelope = {"code": code, "message": message, "request_id": request_id, "data": data}
        return JSONResponse(envelope, headers={"X-TT-LOGID": request_id})

    def _answered(self, call: Read, entry: Entry) -> dict[str, Any]:
        endpoint = ENDPOINTS[call.path]
        token = self.world.authorize(call.token, endpoint.scope)
        self.world.quota(call.path).charge(self.clock.now(), self.world.settings.tier)
        if call.problem:
            raise TikTokError(40000, call.problem)
        advertiser_id = call.fields.text("advertiser_id")
        self.world.check_advertiser(token, advertiser_id)
        tiktok = TikTokCall(self.world, advertiser_id, call.fields, call.upload)
        data = endpoint.run(tiktok)
        entry.applied = tiktok.applied
        entry.rows = tiktok.rows or entry.rows
        entry.digest = tiktok.digest or entry.digest
        entry.note.update(tiktok.note or {})
        return data


def _joined(request: Request) -> dict[str, Any]:
    """Return the query; a name given several times becomes a list, as some clients send one."""
    query: dict[str, Any] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        query[name] = values[0] if len(values) == 1 else values
    return query


def _read_json(body: bytes, read: Read) -> None:
    try:
        values = json.loads(body)
    except ValueError:
        values = None
    if isinstance(values, dict):
        read.fields = Fields(values)
    else:
        read.problem = "The request body is not a valid JSON object."


async def _read_form(request: Request, read: Read, entry: Entry) -> None:
    async with request.form() as form:
        read.fields = Fields({name: value for name, value in form.multi_items() if isinstance(value, str)})
        part = form.get("file")
        if not isinstance(part, UploadFile):
            return
        data = await part.read()
        name = part.filename or ""
    kind = str(read.fields.values.get("calculate_type"))
    contents: Contents | TikTokError | None = None
    if kind in UPLOAD_TYPES and data:
        try:
            contents = await asyncio.to_thread(contents_of, data, kind)
        except TikTokError as error:
            contents = error
    if isinstance(contents, Contents):
        entry.rows, entry.digest = contents.rows, contents.digest
    read.upload = Upload(name, data, partial(_given, contents))


def _given(contents: Contents | TikTokError | None) -> Contents:
    """Return the contents of a file, or raise what was wrong with it."""
    if isinstance(contents, TikTokError):
        raise contents
    if contents is None:
        raise RuntimeError("a file that no check refused was not read")
    return contents


def build() -> Starlette:
    """Return a new simulator: one advertiser, one token, no audience."""
    return with_face(TikTokPlatform())
