"""The external event API: a signed token, an event with a name and an identity, or an error."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from sandbox.platforms.ci360.settings import CLIENT_SECRET, TENANT_ID

if TYPE_CHECKING:
    from starlette.requests import Request

PATH = "/marketingGateway/events"
_IDENTITIES = ("datahub_id", "subject_id", "customer_id", "login_id")


async def take(request: Request, events: list[dict[str, Any]]) -> Response:
    """Accept an event."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not _is_good(token):
        return JSONResponse({"message": "Invalid token"}, status_code=401)
    try:
        event = await request.json()
    except ValueError:
        return JSONResponse({"message": "Malformed JSON"}, status_code=400)
    if not isinstance(event, dict) or not event.get("eventName") or not any(event.get(one) for one in _IDENTITIES):
        return JSONResponse({"message": "eventName and an identity are required"}, status_code=400)
    events.append(event)
    return JSONResponse({}, status_code=200)


def _is_good(token: str) -> bool:
    signed, _, signature = token.rpartition(".")
    key = base64.b64encode(CLIENT_SECRET.encode())
    wanted = base64.urlsafe_b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).rstrip(b"=")
    if not hmac.compare_digest(wanted, signature.encode()):
        return False
    claims = signed.partition(".")[2]
    document = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return bool(document.get("clientID") == TENANT_ID)
