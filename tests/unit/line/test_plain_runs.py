"""Runs in which nothing goes wrong but the rows."""

from __future__ import annotations

from activation.ledger import State

from tests.unit.line.world import World, people, table


def test_every_row_arrives_once_and_is_accounted_for(world: World) -> None:
    """A clean file fills its audience, and the receipt adds up."""
    emails = people(8)
    body = world.drop(table(emails))
    world.run(body)
    receipt = world.check(*emails)
    assert receipt["rows"] == {
        "in": 8,
        "read": 8,
        "acknowledged": 8,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
    }
    assert receipt["audience"] == {"name": "vip", "id": "a1", "created": True}
    assert receipt["batches"] == 3
    assert world.platform.calls == {"find": 1, "create": 1, "users": 3}
    assert world.run_of(body).state is State.APPLIED
    assert [one["DetailType"] for one in world.events] == ["Activation Completed"]
