"""The rate limits of an ad account, and the usage headers that report its usage.

A score (1 point a read, 3 a write, forgotten after 300 s; limit 60 points on Limited, 9,000 on Full) and an hourly
number of Custom Audience calls (5,000 or 190,000, plus 40 for every active audience, at most 700,000). Calls made
while blocked extend the block.
https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/rate-limiting and
https://developers.facebook.com/docs/graph-api/overview/rate-limiting
(read 2026-11-22).
"""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import dataclass

from sandbox.platforms.meta.errors import GraphError
from sandbox.platforms.meta.settings import MetaSettings, Tier

FORGET_S = 300.0
HOUR_S = 3600.0
WAIT = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"


@dataclass(frozen=True)
class Allowance:
    """The limits of a tier; `header_name` is the tier's name in the usage headers."""

    points: int
    block_s: float
    calls_per_hour: int
    header_name: str


ALLOWANCES = {
    Tier.LIMITED: Allowance(60, 300.0, 5_000, "development_access"),
    Tier.FULL: Allowance(9_000, 60.0, 190_000, "standard_access"),
}


class Quota:
    """The calls of one ad account."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self._points: deque[tuple[float, int]] = deque()
        self._score = 0
        self._calls: deque[float] = deque()
        self._blocked_until = 0.0

    def charge(self, now: float, *, write: bool, settings: MetaSettings, audiences: int) -> None:
        """Count a call; raises GraphError 17 or 80003 if it exceeds a limit."""
        allowance = ALLOWANCES[settings.tier]
        self._forget(now)
        points = 3 if write else 1
        if now < self._blocked_until or self._score + points > allowance.points:
            self._blocked_until = now + allowance.block_s
            raise GraphError(
                17,
                "User request limit reached",
                subcode=2446079,
                headers=self.headers(now, write_users=True, settings=settings, audiences=audiences),
            )
        if len(self._calls) >= self._hourly(settings, audiences):
            raise GraphError(
                80003,
                "(#80003) There have been too many calls to this ad-account. Wait a bit and try again. "
                f"For more info, please refer to {WAIT}#custom-audience.",
                subcode=2446079,
                headers=self.headers(now, write_users=False, settings=settings, audiences=audiences),
            )
        self._points.append((now, points))
        self._score += points
        self._calls.append(now)

    def headers(self, now: float, *, write_users: bool, settings: MetaSettings, audiences: int) -> dict[str, str]:
        """Return the usage headers: the account's and the app's for an upload, else the business one."""
        allowance = ALLOWANCES[settings.tier]
        used = min(100, round(100 * len(self._calls) / self._hourly(settings, audiences)))
        if not write_users:
            wait_minutes = math.ceil((self._calls[0] + HOUR_S - now) / 60) if used >= 100 else 0
            use = {
                "type": "custom_audience",
                "call_count": used,
                "total_cputime": used // 4,
                "total_time": used // 4,
                "estimated_time_to_regain_access": wait_minutes,
                "ads_api_access_tier": allowance.header_name,
            }
            return {"X-Business-Use-Case-Usage": json.dumps({self._account_id: [use]})}
        blocked_s = max(0.0, self._blocked_until - now)
        account = {
            "acc_id_util_pct": 100 if blocked_s else round(100 * self._score / allowance.points, 2),
            "reset_time_duration": math.ceil(blocked_s),
            "ads_api_access_tier": allowance.header_name,
        }
        app = {"call_count": used, "total_cputime": 0, "total_time": used // 4}
        return {"X-Ad-Account-Usage": json.dumps(account), "X-App-Usage": json.dumps(app)}

    @staticmethod
    def _hourly(settings: MetaSettings, audiences: int) -> int:
        if settings.hourly_quota is not None:
            return max(1, settings.hourly_quota)
        return min(700_000, ALLOWANCES[settings.tier].calls_per_hour + 40 * audiences)

    def _forget(self, now: float) -> None:
        while self._points and self._points[0][0] <= now - FORGET_S:
            self._score -= self._points.popleft()[1]
        while self._calls and self._calls[0] <= now - HOUR_S:
            self._calls.popleft()
