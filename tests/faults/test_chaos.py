"""Everything at once, for as long as it takes to send 300,000 rows."""

from __future__ import annotations

import pytest

from tests.faults.chaos import Chaos, Plan
from tests.faults.scenario import Scenario

ROWS = 300_000


@pytest.mark.faults
@pytest.mark.on("meta")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("in_flight", [1, 4], ids=lambda count: f"in flight {count}")
@pytest.mark.case("all", what="kills, throttles, lost answers and duplicate events, mixed by chance")
def test_everything_at_once_loses_nobody(scenario: Scenario, in_flight: int) -> None:
    """Missing 0, unexpected 0, and no more sent again than was in flight at a kill or had its answer lost."""
    plan = Plan(rows=ROWS, in_flight=in_flight, kills=15)
    scenario.result.what += f" ({in_flight} in flight)"
    chaos = Chaos(scenario, plan)
    put, some = chaos.begin()
    chaos.disturb(put)
    receipt = scenario.check(put, len(some), some, lost=chaos.lost_answers, in_flight=in_flight)
    assert chaos.calls_cut_off >= plan.kills
    chaos.report(receipt)
