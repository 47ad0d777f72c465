"""The simulated Amazon Ads API as an application: tokens, and the subscriptions of Amazon Marketing Stream."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from openapi_core.contrib.starlette import StarletteOpenAPIRequest
from openapi_core.exceptions import OpenAPIError
from starlette.responses import JSONResponse, Response

from sandbox.platforms.ads_api.confirmation import CALLED, Confirmations
from sandbox.platforms.ads_api.description import CONTENT_TYPE, OPENAPI
from sandbox.platforms.ads_api.settings import (
    ACCOUNT_ID,
    CLIENT_ID,
    CLIENT_SECRET,
    PROFILE_ID,
    REFRESH_TOKEN,
)
from sandbox.platforms.ads_api.subscriptions import ApiError, Register, Subscription
from sandbox.platforms.clock import Clock
from sandbox.platforms.face import with_face
from sandbox.platforms.journal import Entry, digest_of_rows
from sandbox.platforms.settings import changed

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

_TOKENS = "/auth/o2/token"
_PAGE = 5000


@dataclass
class Call:
    """A received request, and how it violates the API's description."""

    request: Request
    body: bytes
    fault: str


class AdsApi:
    """Login with Amazon and the subscription API behind one address."""

    name = "ads_api"

    def __init__(self) -> None:
        self.clock = Clock()
        self.register = Register()
        self.tokens: dict[str, float] = {}
        self.confirmations: Confirmations | None = None

    def latency_s(self) -> float:
        """Return the delay of every answer, in seconds."""
        return self.register.settings.latency_s

    def settings(self) -> Mapping[str, Any]:
        """Return the current settings."""
        return dataclasses.asdict(self.register.settings)

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings; `subscriptions` may suspend or confirm one: `[{"id": ..., "suspended": true}]`."""
        wanted = changes.get("subscriptions", [])
        plain = {key: value for key, value in changes.items() if key not in ("subscriptions", "aws")}
        settings = changed(self.register.settings, plain)
        confirmations = Confirmations.of(changes["aws"]) if "aws" in changes else self.confirmations
        for one in wanted:
            found = self.register.all.get(one.get("id"))
            if found is None:
                raise ValueError("subscriptions: unknown id")
            found.suspended = bool(one.get("suspended", found.suspended))
            found.confirmed = self.clock.now() if one.get("confirmed") else found.confirmed
        self.register.settings, self.confirmations = settings, confirmations

    def reset(self) -> None:
        """Forget every subscription and token."""
        self.register, self.tokens = Register(), {}
        if self.confirmations:
            self.confirmations.topics.clear()

    def secret(self, endpoint: str) -> Mapping[str, Any]:
        """Return the secret that a client needs."""
        return {
            "refresh_token": REFRESH_TOKEN,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "profile_id": PROFILE_ID,
            "account_id": ACCOUNT_ID,
            "endpoint": endpoint,
        }

    def state(self) -> tuple[Mapping[str, Any], Iterator[tuple[Mapping[str, Any], Iterator[Any]]]]:
        """Return every subscription; the API has no audiences."""
        now, settings = self.clock.now(), self.register.settings
        shown = [
            {**one.shown(now, settings), "advertiser": one.advertiser, "dsp": one.dsp}
            for one in self.register.all.values()
        ]
        return {"subscriptions": shown}, iter(())

    async def read(self, request: Request, entry: Entry) -> Call:
        """Read a call and check it against the description."""
        body = await request.body()
        entry.rows, entry.digest = (1, digest_of_rows(body.decode("utf-8", "replace"))) if body else (0, "")
        fault = ""
        if request.url.path != _TOKENS and not request.url.path.startswith(CALLED):
            try:
                OPENAPI.validate_request(StarletteOpenAPIRequest(request, body))
            except OpenAPIError as error:
                fault = f"{type(error).__name__}: {error.__cause__ or error}"
                entry.note["against the description"] = fault
        return Call(request, body, fault)

    async def answer(self, call: Call, entry: Entry) -> Response:
        """Return the API's answer."""
        try:
            if call.request.url.path == _TOKENS:
                return self._token(call)
            if call.request.url.path.startswith(CALLED) and self.confirmations:
                await self.confirmations.forward(call.request.url.path, call.body)
                return Response(status_code=200)
            await self._confirm()
            answer = self._subscriptions(call, entry)
            await self._confirm()
            return answer
        except ApiError as error:
            entry.note["code"] = error.code
            return _json({"code": error.code, "message": error.message}, error.status)

    async def _confirm(self) -> None:
        """Ask for the confirmation of what is provisioned, and look at what was asked for."""
        if self.confirmations is None:
            return
        now, settings = self.clock.now(), self.register.settings
        for one in self.register.all.values():
            if not one.queue_arn:
                continue
            one.asked = True
            provisioned = one.status(now, settings) == "PENDING_CONFIRMATION"
            if provisioned and one.id not in self.confirmations.topics:
                await self.confirmations.ask(one.id, one.dataset, one.advertiser, one.queue_arn)
            elif provisioned and await self.confirmations.confirmed(one.id):
                one.confirmed = now

    def _token(self, call: Call) -> Response:
        given = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        expected = {
            "grant_type": "refresh_token",
            "refresh_token": REFRESH_TOKEN,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        wrong = next((name for name, value in expected.items() if given.get(name) != value), None)
        if wrong:
            error = "invalid_client" if wrong.startswith("client") else "invalid_grant"
            sentence = f"The request has an invalid parameter : {wrong}"
            return JSONResponse({"error": error, "error_description": sentence}, status_code=400)
        lifetime_s = self.register.settings.token_lifetime_s
        token = f"Atza|{secrets.token_hex(16)}"
        self.tokens[token] = self.clock.now() + lifetime_s
        return JSONResponse(
            {
                "access_token": token,
                "refresh_token": REFRESH_TOKEN,
                "token_type": "bearer",
                "expires_in": int(lifetime_s),
            }
        )

    def _subscriptions(self, call: Call, entry: Entry) -> Response:
        path = call.request.url.path
        dsp = path.startswith("/dsp/")
        self._authorise(call.request)
        if "PathNotFound" in call.fault or path.endswith("/"):
            raise ApiError(404, "NOT_FOUND", "Not Found")
        if call.fault:
            raise ApiError(400, "INVALID_REQUEST", call.fault)
        advertiser = self._advertiser(call.request, dsp=dsp)
        owner, now = f"{CLIENT_ID}/{REFRESH_TOKEN}", self.clock.now()
        settings = self.register.settings
        _, _, id_ = path.removeprefix("/dsp").partition("/streams/subscriptions/")
        method = call.request.method
        if method == "POST":
            made = self.register.create(owner, advertiser, json.loads(call.body), dsp=dsp, now=now)
            entry.applied = True
            return _json({"subscriptionId": made.id, "clientRequestToken": made.token})
        if not id_:
            return _json(self._page(call.request, self.register.of(owner, advertiser, dsp=dsp), now))
        found = self.register.find(owner, advertiser, id_, dsp=dsp)
        if method == "GET":
            return _json({"subscription": found.shown(now, settings)})
        _update(found, json.loads(call.body or b"{}"), now)
        entry.applied = True
        return Response(status_code=200)

    def _authorise(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0) < self.clock.now():
            raise ApiError(401, "UNAUTHORIZED", "HTTP 401 Unauthorized")
        client = request.headers.get("amazon-advertising-api-clientid")
        if client is not None and client != CLIENT_ID:
            raise ApiError(401, "UNAUTHORIZED", "HTTP 401 Unauthorized")

    def _advertiser(self, request: Request, *, dsp: bool) -> str:
        settings = self.register.settings
        account = request.headers.get("amazon-ads-account-id" if dsp else "amazon-ads-accountid")
        profile = None if dsp else request.headers.get("amazon-advertising-api-scope")
        if account in settings.accounts:
            return str(account)
        if profile in settings.profiles:
            return str(profile)
        raise ApiError(403, "ACCESS_FORBIDDEN", "Not authorized to access this advertiser")

    def _page(self, request: Request, found: list[Subscription], now: float) -> dict[str, Any]:
        start = int(request.query_params.get("startingToken", "0"))
        end = start + int(float(request.query_params.get("maxResults", _PAGE)))
        page: dict[str, Any] = {
            "subscriptions": [one.shown(now, self.register.settings) for one in found[start:end]]
        }
        return page | ({"nextToken": str(end)} if end < len(found) else {})


def _update(subscription: Subscription, wanted: Mapping[str, Any], now: float) -> None:
    if "notes" in wanted:
        subscription.notes = wanted["notes"]
    subscription.archived = subscription.archived or wanted.get("status") == "ARCHIVED"
    subscription.updated = now


def _json(document: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(document), status_code=status, media_type=CONTENT_TYPE)


def build() -> Starlette:
    """Return a new simulator: one client, one profile, one DSP account, no subscription."""
    return with_face(AdsApi())
