"""What a run would cost."""

from __future__ import annotations

from typing import Any

import pytest
from activation.drops.locate import locate
from activation.identifiers.table import Context
from activation.platforms.discovery import platform_named

from cli.connectors import NamedConnector
from cli.dry_run import DryRun
from cli.prices import cost


def test_a_run_is_priced_by_memory_time_and_units() -> None:
    """A thousand seconds at 1,769 MB and a million units each, by hand from the published prices."""
    found = cost(1_000, 1_000_000, 1_000_000, memory_mb=1769)
    assert found.lambda_usd == pytest.approx(1_000 * 1769 / 1024 * 0.0000133334 + 4 * 0.0000002)
    assert found.dynamodb_usd == pytest.approx(0.625 + 0.125)
    assert found.total_usd == found.lambda_usd + found.dynamodb_usd


@pytest.mark.parametrize(
    ("platform", "settings", "most"),
    [
        ("meta", {}, 16),
        ("meta_conversions", {}, 8),
        ("snapchat", {}, 5),
        ("snapchat", {"requests_in_flight": 3}, 3),
        ("tiktok", {}, 1),
    ],
)
def test_a_plan_counts_on_as_many_requests_in_flight_as_a_run_has(
    platform: str, settings: dict[str, Any], most: int
) -> None:
    """At half a second an answer: the platform's number, within its rate limit, or what the settings say."""
    named = NamedConnector("ads", platform_named(platform), settings=settings)
    kind = "events" if platform == "meta_conversions" else "raw"
    table, actions = named.platform.table, named.platform.limits.actions
    located = locate(f"ads/VIP/{kind}/people.csv", connector="ads", table=table, actions=actions)
    assert DryRun(located, named, Context()).most_in_flight == most
