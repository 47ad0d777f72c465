"""Snapchat's refusals: of the API in Snap's envelope, of the token endpoint in OAuth's.

Status codes: https://developers.snap.com/marketing-api/Ads-API/errors, as listed in
https://github.com/api-evangelist/snapchat, errors/snapchat-problem-types.yml. Snap publishes no table of
`error_code`: E3002 and E3003, with their wording, and the body of a 401 are from public recordings
(https://github.com/rudderlabs/rudder-transformer, snapchat_custom_audience/network.ts, and
https://github.com/singer-io/tap-snapchat-ads); a code that nobody recorded is left out. All read 2026-11-29.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NOT_AVAILABLE = "We're sorry, but the requested resource is not available at this time"


@dataclass
class SnapError(Exception):
    """A refusal. `code` is "" if Snap's is not known; with `plain` the body is just the message, not JSON."""

    status: int
    message: str
    code: str = ""
    display: str = ""
    plain: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def envelope(self, request_status: str, request_id: str) -> dict[str, Any]:
        """Return the JSON body; fields without a value are left out."""
        found = {
            "request_status": request_status,
            "request_id": request_id,
            "debug_message": self.message,
            "display_message": self.display,
            "error_code": self.code,
        }
        return {key: value for key, value in found.items() if value}


@dataclass
class OAuthError(Exception):
    """A refusal of the token endpoint: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 (read 2026-11-29)."""

    error: str
    description: str
    status: int = 400


def unauthorized() -> SnapError:
    """Return the error for a missing, unknown or expired token: 401, a word as its body, and RFC 6750's header."""
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return SnapError(401, "unauthorized", plain=True, headers=headers)


def forbidden() -> SnapError:
    """Return the error for an ad account, or one of its segments, that the user may not act for."""
    return SnapError(403, "Caller does not have permission", "E3002", NOT_AVAILABLE)


def not_found() -> SnapError:
    """Return the error for a segment or path that does not exist."""
    return SnapError(404, "Resource can not be found", "E3003", NOT_AVAILABLE)


def throttled() -> SnapError:
    """Return the error for a call over the rate limit; no header says how long to wait."""
    return SnapError(429, "Too Many Requests", plain=True)


def invalid(sentence: str) -> SnapError:
    """Return the error for an invalid request; `sentence` names fields and counts, never a value that was sent."""
    return SnapError(400, sentence)
