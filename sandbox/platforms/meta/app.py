"""The simulated Meta as an application: from an HTTP request to a node, an edge and an answer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from sandbox.platforms import people
from sandbox.platforms.clock import Clock
from sandbox.platforms.face import with_face
from sandbox.platforms.journal import Entry, digest_of_rows
from sandbox.platforms.meta.calls import GraphCall
from sandbox.platforms.meta.datasets import checked
from sandbox.platforms.meta.edges import (
    ACCOUNT_EDGES,
    AUDIENCE_EDGES,
    check_rights,
    find_audience,
)
from sandbox.platforms.meta.errors import GraphError, invalid, retired_version, unknown_field, unknown_object
from sandbox.platforms.meta.exchange import exchange
from sandbox.platforms.meta.hashed_rows import HashedRows
from sandbox.platforms.meta.parameters import Parameters
from sandbox.platforms.meta.settings import DEFAULT_DATASET, Account, Token
from sandbox.platforms.meta.world import World

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_VERSION = re.compile(r"v\d{1,2}\.\d")


@dataclass
class Read:
    """A received request."""

    method: str
    version: str
    node: str
    edge: str
    rest: tuple[str, ...]
    header_token: str | None
    endpoint: str
    parameters: Parameters


class MetaPlatform:
    """Meta's Marketing API: what customer-file audiences need of it."""

    name = "meta"

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
        """Change settings, accounts, tokens and audiences."""
        self.world.configure(changes)

    def reset(self) -> None:
        """Forget everything but the default account and token."""
        self.world.reset()

    def secret(self, endpoint: str) -> Mapping[str, Any]:
        """Return the default account's secret."""
        return {
            "access_token": Token().token,
            "ad_account_id": Account().id,
            "app_secret": self.world.settings.app_secret,
            "pixel_id": DEFAULT_DATASET,
            "endpoint": endpoint,
        }

    def state(self) -> tuple[Mapping[str, Any], Iterator[tuple[Mapping[str, Any], Iterator[Any]]]]:
        """Return every audience that was not deleted, then the datasets that have events, which are their members.

        Members staged for a replace are counted separately.
        """
        now = self.clock.now()

        def audiences() -> Iterator[tuple[Mapping[str, Any], Iterator[Any]]]:
            for one in [one for one in self.world.audiences.values() if not one.deleted]:
                status = one.operation_code(now)
                schemas = zip(one.members.schemas(), one.members.counts(), strict=True)
                about = {
                    "id": one.id,
                    "name": one.name,
                    "account_id": one.account_id,
                    "subtype": one.subtype,
                    "created_with": one.created_with(),
                    "count": len(one.members),
                    "operation_status": status,
                    "staged": len(one.replace.staged) if one.replace else 0,
                    "schemas": [{"schema": keys, "count": count} for keys, count in schemas],
                    **people.shown(self.world.settings.identity, one.people),
                    "sessions": [session.shown(now, 1.0) for session in one.sessions.values()],
                }
                yield about, one.members.rows()
            for dataset in self.world.filled_datasets:
                yield {**dataset.shown(), "name": dataset.id, "count": len(dataset.counted)}, dataset.rows()

        return {"accounts": list(self.world.accounts)}, audiences()

    async def read(self, request: Request, entry: Entry) -> Read:
        """Read a call and note the rows it carries."""
        parameters = await Parameters.of(request)
        parts = tuple(part for part in request.url.path.split("/") if part)
        version = parts[0] if parts and _VERSION.fullmatch(parts[0]) else ""
        node, edge, *rest = (*(parts[1:] if version else parts), "", "")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        override = (parameters.text("method") or "").upper()
        overridden = request.method == "POST" and override in ("GET", "DELETE")
        if overridden and self.world.settings.new_app:
            parameters.problem = parameters.problem or invalid("HTTP method override is not available to this app")
        method = override if overridden else request.method
        _note(entry, parameters, method)
        return Read(
            method,
            version,
            node,
            edge,
            tuple(part for part in rest if part),
            token if scheme.lower() in ("bearer", "oauth") else None,
            str(request.base_url).rstrip("/"),
            parameters,
        )

    async def answer(self, call: Read, entry: Entry) -> Response:
        """Answer as Graph does: every refusal comes in its envelope."""
        headers = {
            "facebook-api-version": call.version if call.version in self._open else self._open[-1],
            "x-fb-request-id": "A" + secrets.token_urlsafe(16),
            "x-fb-trace-id": secrets.token_urlsafe(8),
            "Cache-Control": "private, no-cache, no-store, must-revalidate",
        }
        try:
            body, more = self._answered(call, entry)
        except GraphError as error:
            return JSONResponse(error.envelope(), status_code=error.status, headers={**headers, **error.headers})
        return JSONResponse(body, headers={**headers, **more})

    def _answered(self, call: Read, entry: Entry) -> tuple[dict[str, Any], dict[str, str]]:
        headers = self._check_version(call)
        parameters = call.parameters
        if (call.node, call.edge) == ("oauth", "access_token") and call.method == "GET":
            return exchange(self.world, parameters), headers
        token = self.world.authenticate(
            call.header_token or parameters.text("access_token"),
            parameters.text("appsecret_proof"),
            parameters.text("appsecret_time"),
        )
        if parameters.problem is not None:
            raise parameters.problem
        if call.rest:
            raise unknown_object(call.method, call.node)
        if call.node == "me":
            return self._me(call, token), headers
        if call.node == "debug_token" and call.method == "GET":
            return self._debugged(token, call.parameters.text("input_token")), headers
        if call.node == "dataset_quality" and call.method == "GET":
            return self._quality(call, token), headers
        if call.node in self.world.settings.datasets:
            return self._on_dataset(call, token, entry, headers)
        return self._on_account(call, token, entry, headers)

    def _on_account(
        self, call: Read, token: Token, entry: Entry, headers: dict[str, str]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        audience, account = None, self.world.accounts.get(call.node.removeprefix("act_"))
        edges = ACCOUNT_EDGES
        if not call.node.startswith("act_"):
            audience = find_audience(self.world, call.method, call.node)
            account = self.world.accounts[audience.account_id]
            edges = AUDIENCE_EDGES
        if account is None:
            raise unknown_object(call.method, call.node)
        check_rights(call.method, token, account, call.node)
        edge = edges.get((call.method, call.edge))
        if edge is None:
            if call.method == "GET":
                raise unknown_field(call.edge, "CustomAudience" if audience else "AdAccount")
            raise unknown_object(call.method, call.node)
        now, settings = self.clock.now(), self.world.settings
        quota, count = self.world.quota(account.id), len(self.world.of_account(account.id))
        quota.charge(now, write=call.method != "GET", settings=settings, audiences=count)
        graph = GraphCall(
            self.world, token, account, call.parameters, call.endpoint, call.version or self._open[-1], audience
        )
        try:
            body = edge(graph)
        finally:
            entry.applied = graph.applied
            if graph.audience is not None:
                entry.note["audience_id"] = graph.audience.id
        uploading = call.method == "POST" and call.edge in ("users", "usersreplace")
        usage = quota.headers(now, write_users=uploading, settings=settings, audiences=count)
        return body, {**headers, **usage}

    def _on_dataset(
        self, call: Read, token: Token, entry: Entry, headers: dict[str, str]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Read a dataset, or receive events: all of a request, or none of them."""
        dataset, now, settings = self.world.dataset(call.node), self.clock.now(), self.world.settings
        if dataset is None or "ads_management" not in token.permissions:
            raise unknown_object(call.method, call.node)
        quota = self.world.quota(f"dataset {call.node}")
        quota.charge(now, write=call.method != "GET", settings=settings, audiences=0)
        usage = quota.headers(now, write_users=True, settings=settings, audiences=0)
        if (call.method, call.edge) == ("GET", ""):
            return {"id": dataset.id, "name": "Sandbox dataset", "is_unavailable": False}, {**headers, **usage}
        if (call.method, call.edge) != ("POST", "events"):
            raise unknown_object(call.method, call.node)
        events = checked(call.parameters.objects("data"), now, settings.refused_orders)
        dataset.take(events, now, call.parameters.text("test_event_code") or "")
        entry.applied = True
        body = {"events_received": len(events), "messages": [], "fbtrace_id": "A" + secrets.token_urlsafe(16)}
        return body, {**headers, **usage}

    def _quality(self, call: Read, token: Token) -> dict[str, Any]:
        """Return the match quality of a dataset's events: the score of the settings for each that it had."""
        dataset = self.world.dataset(call.parameters.text("dataset_id") or "")
        if dataset is None or "ads_management" not in token.permissions:
            raise unknown_object(call.method, call.node)
        names = sorted({str(event["event_name"]) for event in dataset.counted})
        quality = {"composite_score": self.world.settings.match_quality}
        return {"web": [{"event_name": name, "event_match_quality": quality} for name in names]}

    @property
    def _open(self) -> tuple[str, ...]:
        """The versions that are still offered, the newest last."""
        return self.world.settings.open_versions

    def _check_version(self, call: Read) -> dict[str, str]:
        if not call.version or call.version in self._open:
            return {}
        newest = self._open[-1]
        if float(call.version[1:]) > float(newest[1:]):
            raise GraphError(2500, f"Unknown path components: /{call.version}")
        if not self.world.settings.auto_upgrade:
            raise retired_version(newest)
        warning = f"The call has been auto-upgraded to {newest} as {call.version} has been deprecated"
        return {"X-Ad-Api-Version-Warning": warning}

    def _debugged(self, token: Token, asked: str | None) -> dict[str, Any]:
        """Describe a token to itself: https://developers.facebook.com/docs/graph-api/reference/debug_token."""
        if asked != token.token:
            raise GraphError(100, "(#100) You must provide an app access token, or a user access token")
        about = {"expires_at": token.expires_at, "data_access_expires_at": 0, "scopes": list(token.permissions)}
        return {"data": {"type": "SYSTEM_USER", "is_valid": True, **about}}

    def _me(self, call: Read, token: Token) -> dict[str, Any]:
        if call.method != "GET":
            raise unknown_object(call.method, "me")
        if call.edge == "permissions":
            return {"data": [{"permission": one, "status": "granted"} for one in token.permissions]}
        if call.edge == "adaccounts":
            mine = [
                one for one in self.world.accounts.values() if token.accounts is None or one.id in token.accounts
            ]
            return {"data": [{"account_id": one.id, "id": f"act_{one.id}"} for one in mine]}
        if call.edge:
            raise unknown_field(call.edge, "User")
        return {"name": "Sandbox system user", "id": "122100000000000001"}


def _note(entry: Entry, parameters: Parameters, method: str) -> None:
    """Note in the journal what an upload carries; unreadable parameters are left to the answer."""
    try:
        payload, session = parameters.decoded("payload"), parameters.decoded("session")
    except GraphError:
        return
    if method != entry.method:
        entry.note["method"] = method
    rows = payload.get("data") if isinstance(payload, dict) else None
    if isinstance(rows, HashedRows):
        entry.rows, entry.digest = len(rows), rows.digest
    elif isinstance(rows, list):
        entry.rows, entry.digest = len(rows), digest_of_rows(rows)
    events = parameters.decoded("data") if payload is None else None
    if isinstance(events, list):
        entry.rows, entry.digest = len(events), digest_of_rows(events)
    if isinstance(session, dict):
        for name in ("session_id", "batch_seq", "last_batch_flag"):
            if isinstance(session.get(name), str | int):
                entry.note[name] = session[name] if name != "session_id" else str(session[name])


def build() -> Starlette:
    """Return a new simulator: one account, one token, no audience."""
    return with_face(MetaPlatform())
