"""Counting different people in bounded memory."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest

from cli.distinct import Distinct


def digests(first: int, count: int) -> list[str]:
    """Make digests."""
    return [hashlib.sha256(f"{number}".encode()).hexdigest() for number in range(first, first + count)]


def test_few_are_counted_exactly() -> None:
    """Repeated values count once, digests and other texts alike."""
    counted = Distinct(kept=100)
    for _ in range(3):
        counted.add([*digests(0, 60), *(f"id-{number}" for number in range(40))])
    assert counted.count() == 100
    assert counted.is_exact


@pytest.mark.parametrize("count", [101, 200, 201, 5_000, 40_000])
def test_many_are_estimated(count: int) -> None:
    """Beyond what is kept the count is an estimate, within four standard errors."""
    counted = Distinct(kept=100)
    for first in range(0, count, 37):
        counted.add(digests(first, min(37, count - first)))
        counted.add(digests(0, min(37, count)))
    found = counted.count()
    assert not counted.is_exact
    assert abs(found - count) < 4 * count / 10


def test_the_order_makes_no_difference() -> None:
    """The same people in another order are as many."""
    values = digests(0, 3_000)
    forward, backward = Distinct(kept=64), Distinct(kept=64)
    for place in range(0, len(values), 100):
        forward.add(values[place : place + 100])
        backward.add(values[::-1][place : place + 100])
    assert forward.count() == backward.count()


def test_memory_is_bounded() -> None:
    """No more than twice what is kept is held after a column was counted."""
    counted = Distinct(kept=50)
    for first in range(0, 10_000, 100):
        counted.add_column(pa.array([None, *digests(first, 100)]))
        assert len(counted._smallest) <= 2 * 50 + 100
