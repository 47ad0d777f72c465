"""What Meta's reads return: a page of audiences, an audience's id and state, a session. Pure; never raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from activation.platforms.request import Request
from activation.untrusted import identifier, mapping, sequence, whole

TOLD = "told:"  # begins the context of a read whose only use is a note in the receipt
LATEST_S = 4_102_444_800  # the year 2100: a time beyond is none


@dataclass(frozen=True)
class Listed:
    """An audience as a page lists it; `status` is its operation status, 0 if Meta tells none."""

    audience_id: str
    name: str
    subtype: str
    status: int = 0


@dataclass(frozen=True)
class Page:
    """One page of an ad account's audiences; `after` is "" on the last."""

    audiences: tuple[Listed, ...]
    after: str = ""


@dataclass(frozen=True)
class SessionState:
    """What a session has `received`, in rows, and when it `ended`, in Unix seconds, 0 if it has not.

    `matched` is how many of the rows Meta has found people for so far, None if it does not say.
    """

    received: int
    ended: int = 0
    matched: int | None = None

    def note(self, of: str) -> dict[str, str]:
        """Return the note of a receipt on what Meta told of `of`, nothing if it has received nothing."""
        if not self.received:
            return {}
        matched = "" if self.matched is None else f", and has matched {self.matched:,} of them so far"
        return {"session": f"Meta says that it has received {self.received:,} rows in {of}{matched}"}


@dataclass(frozen=True)
class Described:
    """An audience as Meta describes it: whose it is, what it is filled from, and what it was created with.

    `status` is its operation status, 0 if Meta tells none.
    """

    audience_id: str
    account_id: str
    subtype: str
    created_with: Mapping[str, object]
    status: int = 0


def value(call: str, body: Mapping[str, Any]) -> Page | str | int | None:
    """Return what a call reads: a page, a new audience's id, or an operation status; None if it is unreadable."""
    if call == "find":
        return _page(body) if isinstance(body.get("data"), list) else None
    found = identifier(body.get("id"))
    if call == "create" or not found:
        return found or None
    return _status(body)


def described(body: Mapping[str, Any]) -> Described | None:
    """Return what an audience is; None if it is unreadable."""
    found = identifier(body.get("id"))
    account = str(body.get("account_id") or "").removeprefix("act_")
    return Described(found, account, str(body.get("subtype") or ""), body, _status(body)) if found else None


def _status(body: Mapping[str, Any]) -> int:
    """Return an audience's operation status; Graph leaves out a field without a value."""
    return whole(mapping(body.get("operation_status")).get("code")) or 0


def is_for_a_note(request: Request) -> bool:
    """Return whether a session is read for a note in the receipt alone."""
    return request.call == "arrived" and request.context.startswith(TOLD)


def session(request: Request, body: Mapping[str, Any]) -> SessionState | None:
    """Return the session asked for, with nothing received if Meta knows none; None if it is unreadable."""
    sessions = [mapping(one) for one in sequence(body.get("data"))] if "data" in body else [body]
    for one in sessions:
        received = whole(one.get("num_received"))
        asked_for = request.context.removeprefix(TOLD)
        if received is not None and identifier(one.get("session_id")) in (None, asked_for):
            ended, matched = whole(one.get("end_time")) or 0, whole(one.get("num_matched"))
            if matched is not None and matched < 0:
                matched = None
            return SessionState(max(received, 0), ended if 0 < ended < LATEST_S else 0, matched)
    return None if sessions else SessionState(0)


def _page(body: Mapping[str, Any]) -> Page:
    """Read a page. The link to the next page contains the token, so only its presence is used."""
    audiences = []
    for one in map(mapping, sequence(body.get("data"))):
        audience_id, name = identifier(one.get("id")), one.get("name")
        if audience_id and isinstance(name, str):
            audiences.append(Listed(audience_id, name, str(one.get("subtype", "")), _status(one)))
    paging = mapping(body.get("paging"))
    after = identifier(mapping(paging.get("cursors")).get("after")) if paging.get("next") else None
    return Page(tuple(audiences), after or "")
