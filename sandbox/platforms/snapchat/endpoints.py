"""The endpoints of a customer-list client: create, list and read segments, add and remove their users.

https://developers.snap.com/api/marketing-api/Ads-API/customer-lists (fields, limits and answers),
https://developers.snap.com/api/marketing-api/Ads-API/api-patterns (pages); read 2026-11-29. Removal of all users,
which answers with the segment: https://github.com/yassineazimani/SnapAds4J, application.properties.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.platforms.people import named_by
from sandbox.platforms.snapchat.errors import SnapError, invalid, not_found
from sandbox.platforms.snapchat.payload import identifiers_of
from sandbox.platforms.snapchat.segments import FIRST_PARTY, LIFETIME_DAYS, Segment
from sandbox.platforms.snapchat.world import World

NAME_CHARACTERS = 375
SMALLEST_PAGE, LARGEST_PAGE = 50, 1_000


@dataclass
class SnapCall:
    """One call as the endpoints see it: `id` is the one in the path, `url` the address without its query.

    The endpoint sets `applied`, whether it changed anything, `paging`, the next page, and `note` for the journal.
    """

    world: World
    id: str
    url: str
    query: Mapping[str, str]
    body: Any = None
    applied: bool = False
    paging: dict[str, str] = field(default_factory=dict)
    note: dict[str, str | int | bool | None] = field(default_factory=dict)

    def show(self, segment: Segment) -> dict[str, Any]:
        """Return the current state of a segment."""
        return segment.shown(self.world.clock.now(), self.world.settings)


def create(call: SnapCall) -> list[dict[str, Any]]:
    """POST /v1/adaccounts/{id}/segments: names are not unique, so a repetition creates a second segment."""
    call.world.check_account(call.id)
    wanted = call.body.get("segments") if isinstance(call.body, dict) else None
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) for one in wanted):
        raise invalid("segments must be a list of objects")
    checked = [_attributes(one, call.id) for one in wanted]
    made = [call.world.create(call.id, **attributes) for attributes in checked]
    call.applied, call.note["segment_id"] = True, made[0].id
    return [segment.created_answer() for segment in made]


def _attributes(wanted: Mapping[str, Any], ad_account_id: str) -> dict[str, Any]:
    name, description = wanted.get("name"), wanted.get("description", "")
    days = wanted.get("retention_in_days", LIFETIME_DAYS)
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_CHARACTERS:
        raise invalid(f"name must have 1 to {NAME_CHARACTERS} characters")
    if not isinstance(description, str):
        raise invalid("description must be a text")
    if wanted.get("source_type") != FIRST_PARTY:
        raise invalid(f"source_type must be {FIRST_PARTY}")
    if wanted.get("ad_account_id") != ad_account_id:
        raise invalid("ad_account_id must be the ad account of the path")
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= LIFETIME_DAYS:
        raise invalid(f"retention_in_days must be 1 to {LIFETIME_DAYS}")
    return {"name": name, "description": description, "source_type": FIRST_PARTY, "retention_days": days}


def list_segments(call: SnapCall) -> list[dict[str, Any]]:
    """GET /v1/adaccounts/{id}/segments: with `limit` in ordered pages; without it all at once, unordered."""
    call.world.check_account(call.id)
    limit, most = _limit(call.query.get("limit")), call.world.settings.page_size
    size = min(limit or LARGEST_PAGE, most or LARGEST_PAGE)
    found = call.world.of_account(call.id, ordered=limit is not None or most is not None)
    if limit is None and most is None:
        return [call.show(one) for one in found]
    start = _start(call.query.get("cursor"), found)
    if start + size < len(found):
        cursor = base64.urlsafe_b64encode(found[start + size].id.encode()).decode().rstrip("=")
        call.paging = {"next_link": f"{call.url}?cursor={cursor}" + (f"&limit={limit}" if limit else "")}
    return [call.show(one) for one in found[start : start + size]]


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not SMALLEST_PAGE <= int(text) <= LARGEST_PAGE:
        raise invalid(f"limit must be {SMALLEST_PAGE} to {LARGEST_PAGE}")
    return int(text)


def _start(cursor: str | None, found: list[Segment]) -> int:
    """Return the index of the segment that a cursor names, with which the page begins."""
    if cursor is None:
        return 0
    try:
        wanted = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return [one.id for one in found].index(wanted)
    except (binascii.Error, ValueError):
        raise invalid("cursor is not one of this list") from None


def get(call: SnapCall) -> list[dict[str, Any]]:
    """GET /v1/segments/{id}."""
    return [call.show(call.world.segment(call.id))]


def add_users(call: SnapCall) -> list[dict[str, Any]]:
    """POST /v1/segments/{id}/users."""
    return _users(call, "add", Segment.add)


def remove_users(call: SnapCall) -> list[dict[str, Any]]:
    """DELETE /v1/segments/{id}/users, with a body like an upload's."""
    return _users(call, "remove", Segment.remove)


def _users(call: SnapCall, action: str, change: Callable[..., None]) -> list[dict[str, Any]]:
    segment, settings = call.world.segment(call.id), call.world.settings
    if segment.source_type != FIRST_PARTY:
        raise invalid(f"users can only be changed in segments of source_type {FIRST_PARTY}")
    sent = identifiers_of(call.body, segment.id, settings.max_rows)
    change(segment, sent, call.world.clock.now(), settings.processing_s)
    named = named_by(settings, (one.hex() for one in sent.hashes))
    segment.people = segment.people | named if action == "add" else segment.people - named
    call.applied = True
    call.note.update({"segment_id": segment.id, "action": action, "schema": sent.kind})
    return [{"number_uploaded_users": len(sent.hashes)}]


def remove_all_users(call: SnapCall) -> list[dict[str, Any]]:
    """DELETE /v1/segments/{id}/all_users: no body, and the answer is the segment."""
    segment = call.world.segment(call.id)
    segment.remove_all(call.world.clock.now(), call.world.settings.processing_s)
    call.applied = True
    call.note.update({"segment_id": segment.id, "action": "remove_all"})
    return [call.show(segment)]


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: its function, and the singular name of the objects in its answer."""

    run: Callable[[SnapCall], list[dict[str, Any]]]
    thing: str = "segment"
    has_body: bool = False
    writes: bool = False


_ENDPOINTS = {
    ("adaccounts", "segments"): {
        "GET": Endpoint(list_segments),
        "POST": Endpoint(create, has_body=True, writes=True),
    },
    ("segments", ""): {"GET": Endpoint(get)},
    ("segments", "users"): {
        "POST": Endpoint(add_users, "user", has_body=True, writes=True),
        "DELETE": Endpoint(remove_users, "user", has_body=True, writes=True),
    },
    ("segments", "all_users"): {"DELETE": Endpoint(remove_all_users, writes=True)},
}


def find(method: str, path: str) -> tuple[Endpoint, str]:
    """Return the endpoint of a call and the id in its path; raises SnapError 404 or 405."""
    match path.split("/"):
        case ["", "v1", parent, identifier]:
            edge = ""
        case ["", "v1", parent, identifier, edge] if edge:
            pass
        case _:
            raise not_found()
    by_method = _ENDPOINTS.get((parent, edge))
    if by_method is None or not identifier:
        raise not_found()
    if method not in by_method:
        raise SnapError(405, "Method Not Allowed", headers={"Allow": ", ".join(by_method)})
    return by_method[method], identifier
