"""How long a platform makes a number of uploads take."""

from __future__ import annotations

import pytest
from activation.platforms.discovery import platform_named, platforms
from activation.platforms.platform import Platform
from activation.platforms.rate import Tier, Window


@pytest.mark.parametrize(("uploads", "least_s"), [(0, 0), (1, 0), (20, 0), (21, 300), (40, 300), (41, 600)])
def test_a_window_lets_so_many_through(uploads: int, least_s: float) -> None:
    """The first windowful passes at once, each further one takes a window."""
    assert Window(20, 300.0).seconds(uploads) == least_s


def test_the_narrowest_window_decides() -> None:
    """Of several windows the one that takes longest counts."""
    tier = Tier((Window(10, 1.0), Window(600, 60.0), Window(700, 3600.0)), "https://example.com", "2026-01-01")
    assert tier.seconds(600) == 59
    assert tier.seconds(601) == 60
    assert tier.seconds(701) == 3600


def test_the_platforms_tiers() -> None:
    """Eighteen uploads in five minutes on Meta's limited tier, ten a second on TikTok's lowest."""
    meta, tiktok = (platform_named(name).rate.tiers for name in ("meta", "tiktok"))
    assert meta["limited"].seconds(100) == 1_500
    assert meta["full"].seconds(2_998) == 0
    assert next(iter(tiktok)) == "basic"
    assert tiktok["basic"].seconds(101) == 10


@pytest.mark.parametrize("platform", platforms().values(), ids=platforms())
def test_every_number_has_its_page(platform: Platform) -> None:
    """Tiers and minimum name a public page."""
    assert all(tier.source.startswith("https://") for tier in platform.rate.tiers.values())
    assert "https://" in platform.minimum.why


def test_the_tier_of_the_settings_is_the_one_that_counts() -> None:
    """A declared tier is planned for and paced by; without one all are planned for, and the fastest paces."""
    rate = platform_named("meta").rate
    assert list(rate.planned({"access_tier": "limited"})) == ["limited"]
    assert rate.tier({"access_tier": "limited"}).windows[0].requests == 18
    assert list(rate.planned({"access_tier": ""})) == ["limited", "full"]
    assert rate.tier({}) == rate.tiers["full"]
