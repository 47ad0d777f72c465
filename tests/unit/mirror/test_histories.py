"""The rule by which a mirror's state is committed, in random histories."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.mirror.histories import Broken, Rule, history

EVERY = 100_000
PARTS = 10
TO_REFUTE = 2_000


def lived(seed: int, rule: Rule) -> int:
    """Live through the history of a seed; return how many of its runs ended."""
    return history(random.Random(seed).randrange, rule)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_is_there_is_always_between_the_bounds(data: st.DataObject) -> None:
    """Dead workers, lost and doubled answers and redrives leave the audience within what the state says."""
    history(lambda below: data.draw(st.integers(0, below - 1)), Rule())


def test_a_thousand_histories_hold_and_most_of_their_runs_end() -> None:
    """The rule holds in random histories, which are not all of crashes."""
    assert sum(lived(seed, Rule()) for seed in range(1_000)) > 2_000


@pytest.mark.faults
@pytest.mark.parametrize("part", range(PARTS))
def test_a_hundred_thousand_histories_hold(part: int) -> None:
    """The rule holds in a tenth of 100,000 histories."""
    for seed in range(part * EVERY // PARTS, (part + 1) * EVERY // PARTS):
        lived(seed, Rule())


@pytest.mark.parametrize(
    "mistake", ["ignores_pending", "records_late", "commits_unfinished", "commits_on_top", "forgets_refused"]
)
def test_a_mistake_in_the_rule_is_found(mistake: str) -> None:
    """A rule that ignores pending deltas, records them late, or commits too much, breaks in some history."""
    with pytest.raises(Broken):
        sum(lived(seed, Rule(**{mistake: True})) for seed in range(TO_REFUTE))
