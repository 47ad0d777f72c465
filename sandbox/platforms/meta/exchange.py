"""Exchanging a token that is still valid for one of 60 days.

https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived and
https://developers.facebook.com/docs/business-management-apis/system-users/install-apps-and-generate-tokens
(read 2026-11-30). Neither page says what exchanging a token without an end gives: here, one without an end.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from sandbox.platforms.meta.errors import GraphError, missing
from sandbox.platforms.meta.parameters import Parameters
from sandbox.platforms.meta.world import World

LIFETIME_S = 60 * 86_400
GRANT = "fb_exchange_token"


def exchange(world: World, parameters: Parameters) -> dict[str, Any]:
    """GET /oauth/access_token: refuses another app's id or secret, and a token that has expired or is unknown.

    The old token stays valid until its own end.
    """
    if parameters.text("grant_type") != GRANT:
        raise GraphError(1, "The grant_type is not supported")
    given = {name: parameters.text(name) for name in ("client_id", "client_secret", GRANT)}
    for name, value in given.items():
        if not value:
            raise missing(name)
    if given["client_id"] != world.settings.app_id:
        raise GraphError(101, "Error validating application. Invalid application ID.")
    if given["client_secret"] != world.settings.app_secret:
        raise GraphError(1, "Error validating client secret.")
    old = world.valid(str(given[GRANT]))
    ends = bool(old.expires_at) or parameters.text("set_token_expires_in_60_days") == "true"
    expires_at = int(world.clock.now()) + LIFETIME_S if ends else 0
    new = replace(old, token=f"EAAR{secrets.token_hex(20)}", expires_at=expires_at)
    world.tokens[new.token] = new
    answer: dict[str, Any] = {"access_token": new.token, "token_type": "bearer"}
    return answer | ({"expires_in": LIFETIME_S} if ends else {})
