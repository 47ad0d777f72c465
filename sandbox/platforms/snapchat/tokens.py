"""Refresh tokens and access tokens: which are valid, and how using one affects the others."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from sandbox.platforms.snapchat.settings import DEFAULT_REFRESH_TOKEN, Rotation


class Tokens:
    """The tokens of one consent; a test may count the refresh tokens and compare their digests."""

    def __init__(self) -> None:
        self.current = DEFAULT_REFRESH_TOKEN  # the last issued refresh token
        self._issued_for: dict[str, str] = {self.current: ""}  # valid refresh token -> the token it replaces
        self._ends: dict[str, float] = {}  # access token -> when it expires
        self._issued, self._refreshes = 1, 0
        self.refused = 0

    def is_valid(self, refresh_token: str) -> bool:
        """Return whether the refresh token may still be used."""
        return refresh_token in self._issued_for

    def refresh(self, refresh_token: str, rotation: Rotation, now: float, lifetime_s: float) -> tuple[str, str]:
        """Exchange a valid refresh token: return a new access token and the refresh token to use from now on."""
        self._refreshes += 1
        self._issued_for.pop(self._issued_for[refresh_token], None)  # its first use invalidates its predecessor
        if rotation is not Rotation.OFF:
            self.current = secrets.token_hex(32)
            self._issued_for[self.current] = refresh_token
            self._issued += 1
            if rotation is Rotation.STRICT:
                del self._issued_for[refresh_token]
        access_token = f"0.{secrets.token_urlsafe(48)}"
        self._ends[access_token] = now + lifetime_s
        return access_token, refresh_token if rotation is Rotation.OFF else self.current

    def accepts(self, access_token: str, now: float) -> bool:
        """Return whether the access token is known and has not expired."""
        return now < self._ends.get(access_token, 0.0)

    def shown(self) -> dict[str, Any]:
        """Return the counts, and SHA-256 digests of the refresh tokens instead of the tokens."""
        return {
            "refresh_tokens_issued": self._issued,  # the one from the consent comes first
            "refreshes": self._refreshes,
            "refreshes_refused": self.refused,
            "current_digest": digest(self.current),
            "valid_digests": [digest(one) for one in self._issued_for],
        }


def digest(token: str) -> str:
    """Return the SHA-256 of a token in hexadecimal, as the state shows it."""
    return hashlib.sha256(token.encode()).hexdigest()
