"""What tests have to know of the simulated TikTok."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.platforms.tiktok.expected import EXPECTED
from tests.end_to_end.dialects import Dialect


def envelope(code: int, message: str = "scripted") -> dict[str, Any]:
    """Return TikTok's envelope: HTTP 200, and a code that decides."""
    return {"status": 200, "body": {"code": code, "message": message, "request_id": "scripted", "data": {}}}


def _new_token(secret: Mapping[str, Any], token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return {**secret, "ACCESS_TOKEN": token}, {"tokens": [{"token": token}, {"state": "expired"}]}


DIALECT = Dialect(
    platform="tiktok",
    expected=EXPECTED,
    upload="/file/upload/",
    says={
        "server": envelope(50000),
        "throttled": envelope(40100),
        "too_large": envelope(40907),
        "busy": envelope(40002, "Audience is not editable, please check audience status"),
        "gone": envelope(40910),
        "bad_file": envelope(40915),
    },
    states={
        "expired": {"tokens": [{"state": "expired"}]},
        "without rights": {"tokens": [{"scopes": [30]}]},
        "good": {"tokens": [{"state": "valid", "scopes": [30, 31]}]},
    },
    new_token=_new_token,
    throttles=8,
    patience_s=120.0,
    follow_ups=1,
    calm={"tier": "unlimited", "min_size": 1, "match_rate": 1.0},
)
