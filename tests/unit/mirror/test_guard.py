"""The guard of a mirror."""

from __future__ import annotations

from dataclasses import replace

import pytest
from activation.mirror.delta import Part
from activation.mirror.difference import Difference
from activation.mirror.guard import Guard, verdict
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import MirrorState

KNOWN = MirrorState(3, Snapshot(("0",), 100, 100, "", ("EMAIL",), "7", cells=True))


def difference(*, unchanged: int = 0, joined: int = 0, removed: int = 0, reason: str = "") -> Difference:
    """Return a difference from 100 lines."""
    part = Part(("0",), ("EMAIL",), removed) if removed else None
    return Difference(unchanged, joined, 0, 0, removed, 0, 100, removes=part, reason=reason)


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (difference(unchanged=100), None),
        (difference(unchanged=70, removed=30), None),
        (difference(unchanged=69, removed=31), "leaving"),
        (difference(removed=100), "emptied"),
        (difference(joined=100, removed=100), "other_people"),
        (difference(joined=100, removed=100, reason="columns_changed"), "columns_changed"),
        (difference(joined=100, removed=100, reason="table_changed"), "table_changed"),
        (difference(unchanged=100, joined=900), None),
        (difference(unchanged=100, reason="columns_changed"), None),
        (difference(unchanged=69), "shrinking"),
        (difference(unchanged=70), None),
    ],
)
def test_it_counts_who_leaves_and_then_the_size(found: Difference, cause: str | None) -> None:
    """Too many removals stop a run at any size of the list; a list that is a third shorter stops it as well."""
    assert verdict(Guard(), KNOWN, found) == cause


def test_without_cells_it_counts_what_is_no_longer_in_the_list() -> None:
    """A replace has no removes; its keys say who leaves."""
    found = Difference(50, 50, 0, 0, left=50, held=0, known=100)
    assert verdict(Guard(), KNOWN, found) == "other_people"


def test_settings_decide() -> None:
    """What may leave, and whether a list may be empty, is the user's to say."""
    assert verdict(Guard(leave=1.0), KNOWN, difference(joined=100, removed=100)) is None
    assert verdict(Guard(leave=0.1), KNOWN, difference(unchanged=89, removed=11)) == "leaving"
    assert verdict(Guard(leave=1.0, shrink=1.0), KNOWN, difference(removed=100)) == "emptied"
    assert verdict(Guard(empty="allow", leave=1.0), KNOWN, difference(removed=100)) is None


def test_the_approved_run_passes_and_no_other() -> None:
    """An approval is one run's."""
    approved, found = replace(KNOWN, approved="two"), difference(removed=100)
    assert verdict(Guard(), approved, found, "two") is None
    assert verdict(Guard(), approved, found, "three") == "emptied"
    assert verdict(Guard(), KNOWN, found) == "emptied"


def test_a_first_list_passes() -> None:
    """Nobody can leave an audience that nothing was sent to, and an empty first list empties nothing."""
    assert verdict(Guard(), MirrorState(), Difference(0, 5, 0, 0, 0, 0, 0)) is None
    assert verdict(Guard(), MirrorState(), Difference(0, 0, 0, 0, 0, 0, 0)) is None
