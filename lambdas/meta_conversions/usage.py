"""The waits that Meta's usage headers ask for, in seconds: minutes in one header, seconds in another.

https://developers.facebook.com/docs/graph-api/overview/rate-limiting
https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/rate-limiting
(both read 2026-09-12)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from activation.untrusted import json_object, mapping, number, sequence

BUSINESS, AD_ACCOUNT, APP = "x-business-use-case-usage", "x-ad-account-usage", "x-app-usage"
LONGEST_WAIT_S = 86_400.0  # the windows are one hour; a header that asks for more than a day is ignored
FULL_PERCENT, PAUSE_FULL_S = 100.0, 4.0  # a full quota occurs on ordinary successful answers: slow down a little


def wait_s(headers: Mapping[str, str]) -> float:
    """Return how long a throttled account has to wait, 0 if no header says."""
    asked = [60 * (number(one.get("estimated_time_to_regain_access")) or 0.0) for one in _buckets(headers)]
    asked.append(number(_object(headers, AD_ACCOUNT).get("reset_time_duration")) or 0.0)
    return max(0.0, min(max(asked), LONGEST_WAIT_S))


def pause_s(headers: Mapping[str, str]) -> float:
    """Return how long to pause after a successful call."""
    used = [number(_object(headers, AD_ACCOUNT).get("acc_id_util_pct"))]
    for one in (*_buckets(headers), _object(headers, APP)):
        used += [number(one.get(name)) for name in ("call_count", "total_cputime", "total_time")]
    return PAUSE_FULL_S if any(one is not None and one >= FULL_PERCENT for one in used) else 0.0


def is_limited(headers: Mapping[str, str]) -> bool:
    """Return whether a header names the account's tier as the limited one."""
    tiers = [one.get("ads_api_access_tier") for one in (*_buckets(headers), _object(headers, AD_ACCOUNT))]
    return any(isinstance(tier, str) and tier.startswith(("development", "limited")) for tier in tiers)


def _buckets(headers: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    for buckets in _object(headers, BUSINESS).values():
        yield from map(mapping, sequence(buckets))


def _object(headers: Mapping[str, str], name: str) -> Mapping[str, Any]:
    return json_object(headers.get(name, "")) or {}
