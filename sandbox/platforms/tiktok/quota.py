"""Rate limits: calls a second, minute and day for one app and endpoint.

https://github.com/api-evangelist/tiktok-ads (rate-limits, from TikTok's pages; read 2026-11-22).
No header reports the limit or how long to wait.
"""

from __future__ import annotations

from collections import deque

from sandbox.platforms.tiktok.errors import THROTTLED, TikTokError
from sandbox.platforms.tiktok.settings import Tier

LIMITS: dict[Tier, tuple[tuple[str, float, int], ...]] = {
    Tier.BASIC: (("QPS", 1, 10), ("QPM", 60, 600), ("QPD", 86_400, 864_000)),
    Tier.ADVANCED: (("QPS", 1, 20), ("QPM", 60, 1_200), ("QPD", 86_400, 1_728_000)),
    Tier.PREMIUM: (("QPS", 1, 30), ("QPM", 60, 1_800), ("QPD", 86_400, 2_592_000)),
    Tier.ULTIMATE: (("QPS", 1, 50), ("QPM", 60, 3_000), ("QPD", 86_400, 4_320_000)),
    Tier.SANDBOX: (("QPS", 1, 1), ("QPM", 60, 30), ("QPD", 86_400, 1_000)),
    Tier.UNLIMITED: (),
}
MINUTE_BLOCK_S = 300.0  # a minute's limit is lifted five minutes later


class Quota:
    """The calls to one endpoint."""

    def __init__(self) -> None:
        self._calls: deque[float] = deque()
        self._blocked_until = 0.0

    def charge(self, now: float, tier: Tier) -> None:
        """Count a call; raises TikTokError 40100 if it exceeds a limit."""
        limits = LIMITS[tier]
        if limits and now < self._blocked_until:
            raise TikTokError(THROTTLED, f"App reaches the QPM limit {limits[1][2]}")
        while self._calls and self._calls[0] <= now - 86_400:
            self._calls.popleft()
        for name, window_s, most in limits:
            if len(self._calls) >= most and self._calls[-most] > now - window_s:
                if name == "QPM":
                    self._blocked_until = now + MINUTE_BLOCK_S
                raise TikTokError(THROTTLED, f"App reaches the {name} limit {most}")
        self._calls.append(now)
