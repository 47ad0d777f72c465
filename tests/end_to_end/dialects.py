"""What tests have to know of each simulated platform: its calls, its refusals, and how it shows whom it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.end_to_end.people import Member, Person, sha256

MULTIPLE_TYPES = ("EMAIL_SHA256", "PHONE_SHA256")  # the columns of the tests' files, in TikTok's order


@dataclass(frozen=True)
class Dialect:
    """One platform.

    `upload` is the route of calls that carry members. `member` is what it should hold of a person, `held` what
    it shows of an audience. `says` are refusals by what they mean, as a simulator's script has them, and `tokens`
    states of its token. `new_token` puts another token into a secret. `calm` are settings under which nothing is
    in the way of a few people. `throttles` is how many refusals in a row outlast an invocation, `patience_s` how
    long the connector waits for an answer.
    """

    platform: str
    upload: str
    member: Callable[[Person], Member]
    held: Callable[[Mapping[str, Any]], set[Member]]
    says: Mapping[str, Mapping[str, Any]]
    tokens: Mapping[str, Mapping[str, Any]]
    new_token: Callable[[Mapping[str, Any], str], dict[str, Any]]
    throttles: int
    patience_s: float
    calm: Mapping[str, Any] = field(default_factory=dict)

    def refuses(self, call: Mapping[str, Any]) -> bool:
        """Whether a call of the journal was answered with a refusal of the platform's own."""
        return bool(call["status"]) and (call["status"] != 200 or call["note"].get("code", 0) != 0)


def graph_error(code: int, subcode: int | None = None) -> dict[str, Any]:
    """Give Meta's envelope of an error."""
    error = {"message": "scripted", "type": "OAuthException", "code": code, "fbtrace_id": "Ascripted"}
    return {"error": error if subcode is None else {**error, "error_subcode": subcode}}


def envelope(code: int, message: str = "scripted") -> dict[str, Any]:
    """Give TikTok's envelope: HTTP 200, and a code that decides."""
    return {"status": 200, "body": {"code": code, "message": message, "request_id": "scripted", "data": {}}}


def _meta_held(audience: Mapping[str, Any]) -> set[Member]:
    keys = [group["schema"] for group in audience["schemas"] for _ in range(group["count"])]
    return {
        frozenset((key, cell) for key, cell in zip(schema, row, strict=True) if cell != "")
        for schema, row in zip(keys, audience["members"], strict=True)
    }


def _tiktok_member(person: Person) -> Member:
    phone = f"+{person.phone}" if person.phone else ""
    cells = {"EMAIL_SHA256": person.email, "PHONE_SHA256": phone}
    return frozenset((key, sha256(cell)) for key, cell in cells.items() if cell)


def _tiktok_held(audience: Mapping[str, Any]) -> set[Member]:
    several = audience["calculate_type"] == "MULTIPLE_TYPES"
    keys = MULTIPLE_TYPES if several else (audience["calculate_type"],)
    rows = audience["members"] if several else [[one] for one in audience["members"]]
    return {frozenset((key, cell) for key, cell in zip(keys, row, strict=True) if cell) for row in rows}


META = Dialect(
    platform="meta",
    upload="/users",
    member=lambda person: person.member,
    held=_meta_held,
    says={
        "server": {"status": 500, "body": graph_error(1)},
        "throttled": {"status": 429, "headers": {"Retry-After": "1"}},
        "too_large": {"status": 413, "body": "<html>413 Request Entity Too Large</html>"},
    },
    tokens={
        "expired": {"state": "expired"},
        "without rights": {"permissions": ["ads_read"]},
        "good": {"state": "valid", "permissions": ["ads_management", "ads_read"]},
    },
    new_token=lambda secret, token: {**secret, "access_token": token, "app_secret": ""},
    throttles=2,
    patience_s=60.0,
)
TIKTOK = Dialect(
    platform="tiktok",
    upload="/file/upload/",
    member=_tiktok_member,
    held=_tiktok_held,
    says={
        "server": envelope(50000),
        "throttled": envelope(40100),
        "too_large": envelope(40907),
        "busy": envelope(40002, "Audience is not editable, please check audience status"),
        "gone": envelope(40910),
        "bad_file": envelope(40915),
    },
    tokens={
        "expired": {"state": "expired"},
        "without rights": {"scopes": [30]},
        "good": {"state": "valid", "scopes": [30, 31]},
    },
    new_token=lambda secret, token: {**secret, "ACCESS_TOKEN": token},
    throttles=8,
    patience_s=120.0,
    calm={"tier": "unlimited", "min_size": 1, "match_rate": 1.0},
)
DIALECTS = {one.platform: one for one in (META, TIKTOK)}
