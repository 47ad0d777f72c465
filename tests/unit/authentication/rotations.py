"""Platforms whose refresh tokens a use replaces, as the tests of rotation play them."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.authentication.world import World

Make = Callable[..., World]


def check(world: World) -> None:
    """Check that the platform's current refresh token is stored, and every other key as the operator wrote it."""
    secret = world.secret()
    assert secret.pop("refresh_token") == world.endpoint.current
    assert set(secret.pop("issued")) == {"access_token", "expires_at", "by"}
    assert secret == {
        "client_id": "client-1",
        "client_secret": "s3cret/+",
        "ad_account_id": 12345678901234567890,
        "developer_token": "d3v",
    }
