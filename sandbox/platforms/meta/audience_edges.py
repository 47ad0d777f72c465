"""An audience's node and edges: reading, renaming and deleting it, its sessions and its uploads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.platforms.meta.audiences import shown
from sandbox.platforms.meta.calls import GraphCall
from sandbox.platforms.meta.errors import unknown_field
from sandbox.platforms.meta.sessions import SESSION_FIELDS
from sandbox.platforms.meta.uploads import Upload, Uploaded, add_or_remove, replace


def read_audience(call: GraphCall) -> dict[str, Any]:
    """GET /{audience}."""
    return shown(call.view(call.the_audience), call.fields())


def update_audience(call: GraphCall) -> dict[str, Any]:
    """POST /{audience}: its name and description."""
    for name in ("name", "description"):
        if (value := call.parameters.text(name)) is not None:
            setattr(call.the_audience, name, value)
    call.applied = True
    return {"success": True}


def delete_audience(call: GraphCall) -> dict[str, Any]:
    """DELETE /{audience}."""
    call.the_audience.deleted = True
    call.applied = True
    return {"success": True}


def read_sessions(call: GraphCall) -> dict[str, Any]:
    """GET /{audience}/sessions."""
    wanted = call.parameters.whole("session_id")
    rate = call.world.settings.match_rate
    audience, now = call.the_audience, call.world.clock.now()
    audience.settle(now)
    sessions = [one for one in audience.sessions.values() if wanted in (None, one.id)]
    found = [one.shown(now, rate) for one in sessions]
    if call.parameters.text("fields") is None:
        return {"data": found}
    names = call.fields()
    for name in names:
        if name not in SESSION_FIELDS:
            raise unknown_field(name, "CustomAudienceSession")
    return {"data": [{name: one[name] for name in names if name in one} for one in found]}


def _upload(call: GraphCall, verb: str, apply: Callable[[Upload], Uploaded]) -> dict[str, Any]:
    audience = call.the_audience

    def foreign(session_id: int) -> bool:
        others = call.world.of_account(audience.account_id)
        return any(session_id in one.sessions for one in others if one is not audience)

    done = apply(
        Upload(
            audience,
            verb,
            call.parameters.decoded("payload"),
            call.parameters.decoded("session"),
            call.world.clock.now(),
            call.world.settings,
            foreign,
        )
    )
    call.applied = done.applied
    return done.body


def add_users(call: GraphCall) -> dict[str, Any]:
    """POST /{audience}/users."""
    return _upload(call, "ADD", add_or_remove)


def remove_users(call: GraphCall) -> dict[str, Any]:
    """DELETE /{audience}/users."""
    return _upload(call, "REMOVE", add_or_remove)


def replace_users(call: GraphCall) -> dict[str, Any]:
    """POST /{audience}/usersreplace."""
    return _upload(call, "REPLACE", replace)
