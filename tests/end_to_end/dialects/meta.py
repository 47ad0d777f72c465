"""What tests have to know of the simulated Meta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.platforms.meta.expected import EXPECTED
from tests.end_to_end.dialects import Dialect


def graph_error(code: int, subcode: int | None = None) -> dict[str, Any]:
    """Return Meta's envelope of an error."""
    error = {"message": "scripted", "type": "OAuthException", "code": code, "fbtrace_id": "Ascripted"}
    return {"error": error if subcode is None else {**error, "error_subcode": subcode}}


def refusal(code: int, subcode: int | None = None, *, status: int = 400, **more: Any) -> dict[str, Any]:
    """Return a line of the simulator's script: uploads are refused with an error of Meta's."""
    return {"route": DIALECT.upload, "status": status, "body": graph_error(code, subcode), **more}


def _new_token(secret: Mapping[str, Any], token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    settings = {"tokens": [{"token": token}, {"state": "expired"}]}
    return {**secret, "access_token": token, "app_secret": ""}, settings


DIALECT = Dialect(
    platform="meta",
    expected=EXPECTED,
    upload="/users",
    says={
        "server": {"status": 500, "body": graph_error(1)},
        "throttled": {"status": 429, "headers": {"Retry-After": "1"}},
        "too_large": {"status": 413, "body": "<html>413 Request Entity Too Large</html>"},
        "cannot_tell": {"route": "/sessions", "status": 400, "body": graph_error(100)},
    },
    states={
        "expired": {"tokens": [{"state": "expired"}]},
        "without rights": {"tokens": [{"permissions": ["ads_read"]}]},
        "good": {"tokens": [{"state": "valid", "permissions": ["ads_management", "ads_read"]}]},
    },
    new_token=_new_token,
    throttles=2,
    patience_s=60.0,
)
