"""The token endpoint, `POST /login/oauth2/access_token`; Snap serves it on another host, accounts.snapchat.com.

https://developers.snap.com/api/marketing-api/Ads-API/authentication, and for its refusals
https://www.rfc-editor.org/rfc/rfc6749#section-5.2 and section 6 (read 2026-11-29).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from sandbox.platforms.snapchat.errors import OAuthError
from sandbox.platforms.snapchat.settings import DEFAULT_CLIENT_ID
from sandbox.platforms.snapchat.world import World

TOKEN_PATH = "/login/oauth2/access_token"
FORM = "application/x-www-form-urlencoded"
HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 section 5.1


def exchange(world: World, content_type: str, body: bytes) -> dict[str, Any]:
    """Return the answer to a refresh of tokens; raises OAuthError."""
    form = _form(content_type, body)
    settings = world.settings
    if (form.get("client_id"), form.get("client_secret")) != (DEFAULT_CLIENT_ID, settings.client_secret):
        raise OAuthError("invalid_client", "Client authentication failed", 401)
    if "grant_type" not in form:
        raise OAuthError("invalid_request", "grant_type is missing")
    if form["grant_type"] != "refresh_token":
        raise OAuthError("unsupported_grant_type", "The grant type is not supported")
    if "refresh_token" not in form:
        raise OAuthError("invalid_request", "refresh_token is missing")
    if settings.revoked or not world.tokens.is_valid(form["refresh_token"]):
        world.tokens.refused += 1
        raise OAuthError("invalid_grant", "The refresh token is invalid, expired or revoked")
    access_token, refresh_token = world.tokens.refresh(
        form["refresh_token"], settings.rotation, world.clock.now(), settings.expires_in
    )
    return {
        "access_token": access_token,
        "refresh_token": refresh_token,
        "expires_in": settings.expires_in,
        "token_type": "Bearer",
        "scope": "snapchat-marketing-api",
    }


def _form(content_type: str, body: bytes) -> Mapping[str, str]:
    """Read the form; a parameter without a value counts as absent, and a repeated one is refused."""
    if content_type != FORM:
        raise OAuthError("invalid_request", f"Content-Type must be {FORM}")
    given = parse_qs(body.decode("utf-8", "replace"))
    if any(len(values) > 1 for values in given.values()):
        raise OAuthError("invalid_request", "A parameter is repeated")
    return {name: values[0] for name, values in given.items()}
