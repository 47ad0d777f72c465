"""The waits that Meta's usage headers ask for, in seconds.

Three headers, three units: the business header uses minutes, the ad account's seconds, the app's percentages only.
Which of them arrive depends on the call, so all are read.

https://developers.facebook.com/docs/graph-api/overview/rate-limiting
https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/rate-limiting
(both read 2026-09-12)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from activation.untrusted import json_object, mapping, number, sequence

BUSINESS = "x-business-use-case-usage"
AD_ACCOUNT = "x-ad-account-usage"
APP = "x-app-usage"

LONGEST_WAIT_S = 86_400.0  # the windows are one hour; a header that asks for more than a day is ignored
NEARLY_FULL_PERCENT = 90.0
PAUSE_NEARLY_FULL_S = 2.0
PAUSE_FULL_S = 4.0  # full quotas occur on ordinary successful answers: slow down, but stay in the invocation
# By how `ads_api_access_tier` begins: the tier's name in the rate. The header still has the names of before 2026.
TIERS = {"development": "limited", "limited": "limited", "standard": "full", "full": "full"}


@dataclass(frozen=True)
class Usage:
    """The usage headers of one answer.

    `wait_s` is how long Meta says the block lasts, 0 if it does not say (which never means "at once"). `percent`
    is the fullest of the quotas that our calls count against. `tier` is the access tier by its name in the rate,
    "" if no header says; the slower one if headers differ, since its pace is never refused.
    """

    wait_s: float = 0.0
    percent: float = 0.0
    tier: str = ""

    @property
    def pause_s(self) -> float:
        """Return how long to pause after a successful call: a full quota is a hint, not an error."""
        if self.wait_s:
            return self.wait_s
        if self.percent >= 100:
            return PAUSE_FULL_S
        return PAUSE_NEARLY_FULL_S if self.percent >= NEARLY_FULL_PERCENT else 0.0


def from_headers(headers: Mapping[str, str], *, use_case: str, throttled: bool) -> Usage:
    """Read the headers; `throttled` says that the answer was a throttling error.

    In that case every bucket counts, since the error may concern any of them, and so does the time until the ad
    account's score resets, which needs no wait as long as calls succeed. Otherwise only the buckets of the
    `use_case` count ("custom_audience").
    """
    percents, waits_s, tiers = [0.0], [0.0], []
    for bucket in _business_buckets(headers):
        tiers.append(bucket.get("ads_api_access_tier"))
        if throttled or bucket.get("type", use_case) == use_case:
            percents += _percents(bucket, "call_count", "total_cputime", "total_time")
            waits_s.append(60 * (number(bucket.get("estimated_time_to_regain_access")) or 0.0))
    ad_account = _object(headers, AD_ACCOUNT)
    tiers.append(ad_account.get("ads_api_access_tier"))
    percents += _percents(ad_account, "acc_id_util_pct")
    percents += _percents(_object(headers, APP), "call_count", "total_cputime", "total_time")
    if throttled:
        waits_s.append(number(ad_account.get("reset_time_duration")) or 0.0)
    return Usage(
        wait_s=max(0.0, min(max(waits_s), LONGEST_WAIT_S)),
        percent=max(percents),
        tier=_tier(tiers),
    )


def _business_buckets(headers: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    for buckets in _object(headers, BUSINESS).values():
        for bucket in sequence(buckets):
            yield mapping(bucket)


def _object(headers: Mapping[str, str], name: str) -> Mapping[str, Any]:
    return json_object(headers.get(name, "")) or {}


def _percents(usage: Mapping[str, Any], *names: str) -> list[float]:
    return [number(usage.get(name)) or 0.0 for name in names]


def _tier(said: list[object]) -> str:
    named = {TIERS.get(one.partition("_")[0], "") for one in said if isinstance(one, str)}
    return next((tier for tier in ("limited", "full") if tier in named), "")
