"""What a mirror removes, held against simpler rules at a platform that resolves identifiers to people."""

from __future__ import annotations

from tests.unit.mirror.policies import simulate


def test_our_rule_loses_hardly_anybody_and_leaves_nobody_in() -> None:
    """Four simpler rules take out people who are still wanted; ours less than one of a thousand."""
    outcomes = simulate(worlds=2, rounds=6, size=500)
    ours = outcomes.pop("ours: such cells, removes before adds, neighbours again")
    outcomes.pop("whole rows of which no wanted row has a cell")  # which keeps people in
    assert ours.shares[0] < 0.001
    assert ours.still_in == 0
    assert all(one.shares[0] > 0.003 for one in outcomes.values())
