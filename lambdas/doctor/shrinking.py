"""Audiences that become smaller: the newest of the sizes that a platform estimated, against one of 30 days ago."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from activation.ledger.audiences import EstimatedSize
from activation.platforms.platform import Finding

SIZE = "audience size"  # the check
DAYS = 30
LEAST_DAYS = 7  # between two sizes that are compared: what changes within days says nothing of a month


def shrinkage(sizes: Sequence[EstimatedSize], today: date) -> tuple[EstimatedSize, EstimatedSize, float] | None:
    """Return the oldest size of the last 30 days, the newest, and which percentage was lost between the two.

    `sizes` are in the order of their days. None if they are not 7 days apart, or if the audience was empty. What a
    platform tells as a range counts by the middle of it.
    """
    recent = [one for one in sizes if date.fromisoformat(one.day) >= today - timedelta(days=DAYS)]
    if not recent:
        return None
    first, last = recent[0], recent[-1]
    apart = date.fromisoformat(last.day) - date.fromisoformat(first.day)
    before, after = (one.low + one.high for one in (first, last))
    if apart < timedelta(days=LEAST_DAYS) or before <= 0:
        return None
    return first, last, 100 * (before - after) / before


def of_sizes(name: str, sizes: Sequence[EstimatedSize], today: date, most_percent: float) -> Finding | None:
    """Return a warning if an audience has lost `most_percent` of its people or more, else None."""
    found = shrinkage(sizes, today)
    if found is None or found[2] < most_percent:
        return None
    first, last, percent = found
    says = (
        f"{name} has lost {percent:.0f} % of its people since {first.day}: {first} then, {last} now; see whether"
        " its export has become smaller, and whether its drops still come"
    )
    return Finding(SIZE, True, says, warns=True)
