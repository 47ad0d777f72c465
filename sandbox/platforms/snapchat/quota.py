"""Rate limits: on average 10 calls a second per access token and 20 per app; any more are a plain 429.

https://developers.snap.com/api/marketing-api/Ads-API/rate-limits (read 2026-11-29). Snap does not publish over
what time it averages, and no header says so.
"""

from __future__ import annotations

from collections import deque

from sandbox.platforms.snapchat.errors import throttled
from sandbox.platforms.snapchat.settings import SnapchatSettings


class Quota:
    """The calls counted for the app and for each of its access tokens."""

    def __init__(self) -> None:
        self._app: deque[float] = deque()
        self._tokens: dict[str, deque[float]] = {}

    def charge(self, token: str, now: float, settings: SnapchatSettings) -> None:
        """Count a call; if it exceeds either limit, raise SnapError 429 and do not count it."""
        calls = self._tokens.setdefault(token, deque())
        limits = ((calls, settings.token_rate), (self._app, settings.app_rate))
        for counted, rate in limits:
            while counted and counted[0] <= now - settings.rate_window_s:
                counted.popleft()
            if rate is not None and len(counted) >= max(1, round(rate * settings.rate_window_s)):
                raise throttled()
        for counted, _ in limits:
            counted.append(now)
