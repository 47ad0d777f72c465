"""An account's access tier, learned from Meta's headers, is kept to; and no call lengthens a block."""

from __future__ import annotations

import pytest

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_line import MetaLine

EMAILS = [f"person{number}@example.com" for number in range(450)]  # 45 uploads


@pytest.mark.parametrize("tier", ["", "full"])
def test_a_limited_account_is_never_asked_too_much(meta: Outside, tier: str) -> None:
    """Nobody told, or told wrongly: Meta's own header paces the run, and not one call is refused."""
    meta.configure(tier="limited")
    line = MetaLine(meta, options={"access_tier": tier} if tier else None)
    begun = line.clock()
    receipt = line.deliver(EMAILS, "add")
    assert receipt["rows"]["acknowledged"] == len(EMAILS)
    assert [one["status"] for one in meta.requests("/users")] == [200] * 45
    assert line.clock() - begun >= 2 * 300


def test_a_full_account_is_not_slowed_down(meta: Outside) -> None:
    """The same run at the full tier waits for nothing."""
    line = MetaLine(meta)
    begun = line.clock()
    line.deliver(EMAILS, "add")
    assert line.clock() - begun < 1200


def test_a_slower_pace_that_was_asked_for_stays(meta: Outside) -> None:
    """A team may share its account's quota with others: what Meta allows does not make it faster."""
    line = MetaLine(meta, options={"access_tier": "limited"})
    begun = line.clock()
    line.deliver(EMAILS, "add")
    assert line.clock() - begun >= 2 * 300


def test_an_action_blocked_as_abusive_holds_the_account(meta: Outside) -> None:
    """After code 368 a second run asks nothing for an hour: each call would lengthen the block."""
    blocked = {"error": {"code": 368, "message": "blocked"}}
    meta.fail({"route": "/users", "times": 1, "status": 400, "body": blocked})
    line = MetaLine(meta)
    line.run(line.message(EMAILS[:10], "add"))
    refused_at = meta.requests()[-1]["time"]
    line.run(line.message(EMAILS[10:20], "add", "b.csv", after_s=60))
    later = [one["time"] for one in meta.requests() if one["time"] > refused_at]
    assert later
    assert min(later) - refused_at >= 3600
