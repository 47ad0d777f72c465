"""How long a platform makes a number of uploads take."""

from __future__ import annotations

import pytest
from activation.planning import Planning, Tier, Window

from lambdas.meta.planning import PLANNING as META
from lambdas.tiktok.planning import PLANNING as TIKTOK


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
    """Twenty uploads in five minutes on Meta's limited tier, ten a second on TikTok's lowest."""
    assert META.tiers["limited"].seconds(100) == 1_200
    assert META.tiers["full"].seconds(3_000) == 0
    assert next(iter(TIKTOK.tiers)) == "basic"
    assert TIKTOK.tiers["basic"].seconds(101) == 10


@pytest.mark.parametrize("planning", [META, TIKTOK], ids=["meta", "tiktok"])
def test_every_number_has_its_page(planning: Planning) -> None:
    """Tiers and minimum name a public page."""
    assert all(tier.source.startswith("https://") for tier in planning.tiers.values())
    assert "https://" in planning.minimum_why
