"""Rate limits: an average of 10 calls a second for one access token and of 20 for the app; more is a plain 429.

https://developers.snap.com/api/marketing-api/Ads-API/rate-limits (read 2026-11-29). Snap does not publish over
what time it averages, and no header of the answer tells.
"""

from __future__ import annotations

from collections import deque

from sandbox.platforms.snapchat.errors import throttled
from sandbox.platforms.snapchat.settings import SnapchatSettings


class Quota:
    """The calls counted against the app and against each of its access tokens."""

    def __init__(self) -> None:
        self._app: deque[float] = deque()
        self._tokens: dict[str, deque[float]] = {}

    def charge(self, token: str, now: float, settings: SnapchatSettings) -> None:
        """Count a call; raises SnapError 429, and counts nothing, where it is one too many for either."""
        calls = self._tokens.setdefault(token, deque())
        limits = ((calls, settings.token_rate), (self._app, settings.app_rate))
        for counted, rate in limits:
            while counted and counted[0] <= now - settings.rate_window_s:
                counted.popleft()
            if rate is not None and len(counted) >= max(1, round(rate * settings.rate_window_s)):
                raise throttled()
        for counted, _ in limits:
            counted.append(now)
