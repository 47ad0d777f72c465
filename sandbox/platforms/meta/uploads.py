"""Uploads to an audience: add, remove and replace, with the rules of sessions and schemas.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences,
https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users and
https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/usersreplace
(read 2026-11-22).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.platforms.meta.audiences import FLAGGED, NORMAL, Audience
from sandbox.platforms.meta.errors import (
    audience_update,
    flagged,
    invalid,
    missing,
    mixed_schemas,
    not_yet,
    too_small,
)
from sandbox.platforms.meta.payload import LIST_STYLE, Checked, Payload
from sandbox.platforms.meta.sessions import Batch, Replace, Session
from sandbox.platforms.meta.settings import MetaSettings
from sandbox.platforms.people import named_by

IN_PROGRESS, TIMED_OUT, FIRST_MISSING, FINISHED, WENT_WRONG, TOO_LARGE = (
    1870145,
    1870158,
    1870147,
    1870159,
    1870148,
    1870144,
)
LARGEST_REPLACED = 100_000_000


@dataclass(frozen=True)
class Upload:
    """One request to `/users` or `/usersreplace`, read but not checked."""

    audience: Audience
    verb: str
    payload: Any
    session: Any
    now: float
    settings: MetaSettings
    session_is_foreign: Callable[[int], bool]


@dataclass(frozen=True)
class Uploaded:
    """The result of an upload: the answer's body, and whether the rows were applied."""

    body: dict[str, Any]
    applied: bool


def add_or_remove(upload: Upload) -> Uploaded:
    """Apply `/users`; a batch after its session's end is answered as usual and discarded."""
    audience, now = upload.audience, upload.now
    _usable(upload, "users")
    if audience.operation_code(now) == 414:
        raise audience_update(IN_PROGRESS)
    payload = Payload.of(upload.payload)
    batch = Batch.of(upload.session)
    _style_and_value(audience, payload)
    payload.refuse_values(upload.settings.refused_values)
    checked = payload.checked()
    if batch is None:
        _apply(upload, checked, payload)
        _filled(audience, payload, upload)
        return Uploaded(_body(audience, _own_session(upload.verb, payload), checked, checked.received), True)
    session = _session(upload, batch)
    applied = session.open(now)
    if applied:
        _apply(upload, checked, payload)
        _filled(audience, payload, upload)
        session.take(batch, checked.received, checked.invalid, now)
    return Uploaded(_body(audience, str(session.id), checked, session.received), applied)


def replace(upload: Upload) -> Uploaded:
    """Apply `/usersreplace`: batch 1 starts it; after the last batch, the received rows are the audience."""
    audience, now = upload.audience, upload.now
    _usable(upload, "usersreplace")
    if audience.size() >= LARGEST_REPLACED:
        raise audience_update(TOO_LARGE)
    payload = Payload.of(upload.payload)
    batch = Batch.of(upload.session)
    if batch is None:
        raise missing("session")
    _style_and_value(audience, payload)
    payload.refuse_values(upload.settings.refused_values)
    running = _replace(upload, batch, payload)
    checked = payload.checked()
    running.staged.add(checked.schema, checked.valid)
    running.people |= _named(upload, payload)
    running.session.take(batch, checked.received, checked.invalid, now)
    if batch.last:
        audience.members, audience.people, audience.replace = running.staged, running.people, None
        audience.replacing_until = now + upload.settings.replacing_s
    _filled(audience, payload, upload)
    body = _body(audience, str(running.session.id), checked, running.session.received)
    return Uploaded(body, True)


def _usable(upload: Upload, edge: str) -> None:
    audience = upload.audience
    if audience.early_calls > 0:
        audience.early_calls -= 1
        raise not_yet(edge)
    if audience.subtype != "CUSTOM":
        raise invalid("The audience is not filled from a customer file")
    if audience.operation_code(upload.now) == FLAGGED:
        raise flagged()


def _style_and_value(audience: Audience, payload: Payload) -> None:
    if audience.schema_style not in (None, payload.style):
        raise mixed_schemas(str(audience.schema_style), payload.style)
    if audience.is_value_based and "LOOKALIKE_VALUE" not in payload.keys:
        raise invalid("Value-Based Custom Audience requires LOOKALIKE_VALUE attribute.")


def _session(upload: Upload, batch: Batch) -> Session:
    """Return the session, started if it is new; raises GraphError if another audience of the account uses it."""
    if upload.session_is_foreign(batch.session_id):
        raise invalid("Param session[session_id] must be unique in the ad account")
    sessions = upload.audience.sessions
    if batch.session_id not in sessions:
        sessions[batch.session_id] = Session(batch.session_id, upload.verb, upload.now)
    session = sessions[batch.session_id]
    if session.verb != upload.verb:
        raise invalid("The session was started for another operation")
    return session


def _replace(upload: Upload, batch: Batch, payload: Payload) -> Replace:
    audience = upload.audience
    running = audience.replace
    known = audience.sessions.get(batch.session_id)
    if running is not None and running.session.id == batch.session_id and batch.sequence > 1:
        if running.schema != payload.keys:
            raise audience_update(WENT_WRONG)
        return running
    if known is not None and known.verb == upload.verb and not known.open(upload.now):
        raise audience_update(TIMED_OUT if known.ended == known.expires else FINISHED)
    if running is not None or audience.operation_code(upload.now) != NORMAL:
        raise audience_update(IN_PROGRESS)
    if batch.sequence != 1:
        raise audience_update(FIRST_MISSING)
    session = _session(upload, batch)
    audience.replace = Replace(session, payload.keys, upload.settings.replacing_s)
    return audience.replace


def _apply(upload: Upload, checked: Checked, payload: Payload) -> None:
    members, named = upload.audience.members, _named(upload, payload)
    if upload.verb == "ADD":
        members.add(checked.schema, checked.valid)
        upload.audience.people |= named
        return
    leaving = members.meant(checked.valid)
    if leaving and len(members) - len(leaving) < upload.settings.min_left:
        raise too_small()
    members.remove(leaving)
    upload.audience.people -= named


def _named(upload: Upload, payload: Payload) -> set[str]:
    return named_by(upload.settings, payload.cells())


def _filled(audience: Audience, payload: Payload, upload: Upload) -> None:
    audience.schema_style = audience.schema_style or payload.style
    audience.updated = int(upload.now)
    audience.filling_until = upload.now + upload.settings.matching_s


def _own_session(verb: str, payload: Payload) -> str:
    """Return the session id that Meta generates: one per schema and verb, the same in every audience."""
    text = "\n".join((verb, payload.style, *payload.keys)) if payload.style == LIST_STYLE else verb
    return str(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1)


def _body(audience: Audience, session_id: str, checked: Checked, received: int) -> dict[str, Any]:
    return {
        "audience_id": audience.id,
        "session_id": session_id,
        "num_received": received,
        "num_invalid_entries": checked.invalid,
        "invalid_entry_samples": checked.samples,
    }
