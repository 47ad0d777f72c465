"""Audiences that have become smaller within a month."""

from __future__ import annotations

from datetime import date

import pytest
from activation.ledger.audiences import EstimatedSize

from lambdas.doctor.shrinking import of_sizes

TODAY = date(2026, 11, 30)


def sizes(**people: int) -> list[EstimatedSize]:
    """Return sizes by day, as in `d01=1000` for the first of November."""
    return [EstimatedSize(f"2026-11-{day[1:]}", count, count) for day, count in people.items()]


@pytest.mark.parametrize(
    ("known", "percent"),
    [
        (sizes(d01=1000, d15=2000, d30=800), "20"),
        (sizes(d01=1000, d30=0), "100"),
        ([EstimatedSize("2026-11-01", 900, 1100), EstimatedSize("2026-11-30", 400, 600)], "50"),
    ],
)
def test_an_audience_that_has_lost_people_is_a_warning(known: list[EstimatedSize], percent: str) -> None:
    """The sentence says since when, and both sizes."""
    found = of_sizes("VIP", known, TODAY, most_percent=20)
    assert found is not None
    assert found.warns
    assert f"VIP has lost {percent} % of its people since 2026-11-01" in found.says


@pytest.mark.parametrize(
    "known",
    [
        [],
        sizes(d30=10),
        sizes(d01=1000, d30=801),
        sizes(d01=1000, d30=1500),
        sizes(d24=1000, d30=10),  # less than a week
        sizes(d01=0, d30=0),
        [EstimatedSize("2026-10-30", 5000, 5000), *sizes(d01=1000, d30=1000)],  # longer ago than a month
    ],
)
def test_an_audience_that_has_not_is_none(known: list[EstimatedSize]) -> None:
    """Nor is one whose sizes say nothing of a month."""
    assert of_sizes("VIP", known, TODAY, most_percent=20) is None
