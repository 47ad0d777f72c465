"""A function behind a URL that answers the calls of ten people's drop as Meta does, and keeps nothing.

It knows one token, by its SHA-256. A function cannot promise to remember, as the sandbox's simulator does; so it
says of every audience that it does not exist yet, and gives one that is made an id by its name. Read 2026-09-12:
https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from typing import Any

HASHED = re.compile(r"[0-9a-f]{64}")
PLAIN_KEYS = ("EXTERN_ID", "MADID")
_PERMISSIONS = ("ads_management", "ads_read", "business_management")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request, of a function URL's payload format 2.0."""
    http = event["requestContext"]["http"]
    if not _knows(event):
        return _answer(400, {"error": {"message": "Invalid OAuth access token", "code": 190, "type": "OAuth"}})
    _version, *path = http["path"].strip("/").split("/")
    match (http["method"], path):
        case ("GET", ["me", "permissions"]):
            told: dict[str, Any] = {"data": [{"permission": one, "status": "granted"} for one in _PERMISSIONS]}
        case ("GET", [account]) if account.startswith("act_"):
            about = {"id": account, "name": "Smoke", "account_status": 1}
            told = {**about, "tos_accepted": {"custom_audience_tos": 1}}
        case ("GET", [_, "customaudiences" | "sessions"]):
            told = {"data": []}
        case ("POST", [_, "customaudiences"]):
            told = {"id": _id_of(str(_body(event).get("name")))}
        case ("POST", [audience, "users"]):
            told = _received(audience, _body(event))
        case _:
            return _answer(400, {"error": {"message": "Unsupported request", "code": 100, "type": "GraphMethod"}})
    return _answer(200, told)


def _knows(event: dict[str, Any]) -> bool:
    """Return whether the request has the token, in its header or its query."""
    headers = {name.lower(): text for name, text in event.get("headers", {}).items()}
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        token = event.get("queryStringParameters", {}).get("access_token", "")
    return hmac.compare_digest(hashlib.sha256(token.encode()).hexdigest(), os.environ["TOKEN_SHA256"])


def _received(audience: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return Meta's answer to an upload. A row with a value that is not hashed is an invalid entry."""
    keys, rows = body["payload"]["schema"], body["payload"]["data"]
    hashed = [place for place, key in enumerate(keys) if key not in PLAIN_KEYS]
    good = [row for row in rows if all(row[at] == "" or HASHED.fullmatch(row[at]) for at in hashed)]
    return {
        "audience_id": audience,
        "session_id": str(body["session"]["session_id"]),
        "num_received": len(rows),
        "num_invalid_entries": len(rows) - len(good),
        "invalid_entry_samples": {},
    }


def _id_of(name: str) -> str:
    return str(int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big"))


def _body(event: dict[str, Any]) -> dict[str, Any]:
    text = event.get("body") or "{}"
    found: dict[str, Any] = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    return found


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
