"""What a run would cost."""

from __future__ import annotations

import pytest

from cli.prices import cost


def test_a_run_is_priced_by_memory_time_and_units() -> None:
    """A thousand seconds at 1,769 MB and a million units each, by hand from the published prices."""
    found = cost(1_000, 1_000_000, 1_000_000, memory_mb=1769)
    assert found.lambda_usd == pytest.approx(1_000 * 1769 / 1024 * 0.0000133334 + 4 * 0.0000002)
    assert found.dynamodb_usd == pytest.approx(0.625 + 0.125)
    assert found.total_usd == found.lambda_usd + found.dynamodb_usd
