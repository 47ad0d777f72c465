"""The occurrence table's lease: one worker at a time, and none kept out by its own repeated claim."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.ci360.occurrences import LeaseHeld, LeaseLost
from tests.unit.ci360.world import World

SMALL = "1,a@b.example,X\n"


def lose_answers(world: World, operation: str, count: int) -> list[int]:
    """Let the SDK take the next `count` answers of an operation for lost, so that it repeats the requests."""
    lost: list[int] = []

    def needs_retry(attempts: int, **_: Any) -> Any:
        if len(lost) == count:
            return None
        lost.append(attempts)
        return 0.0

    world.dynamodb.meta.events.register(f"needs-retry.dynamodb.{operation}", needs_retry)
    return lost


def test_a_claim_whose_answer_was_lost_is_not_held_against_itself(world: World) -> None:
    """The SDK's repetition meets the record of its own first try, and is given that lease and fence."""
    key = world.accept(SMALL)
    lost = lose_answers(world, "UpdateItem", 1)
    claimed = world.occurrences.claim(key)
    assert lost == [1]
    assert (claimed.fence, claimed.turns) == (1, 1)
    world.occurrences.save(claimed)


def test_a_repeated_claim_still_keeps_others_out(world: World) -> None:
    """Another worker's claim is refused for as long as the lease runs, and so is one that is itself repeated."""
    key = world.accept(SMALL)
    world.occurrences.claim(key)
    lose_answers(world, "UpdateItem", 1)
    with pytest.raises(LeaseHeld) as held:
        world.occurrences.claim(key)
    assert 0 < held.value.for_s <= 60


def test_a_lease_that_ran_out_is_taken_over_with_a_higher_fence(world: World) -> None:
    """The older worker may record nothing any more, and neither renew."""
    key = world.accept(SMALL)
    older = world.occurrences.claim(key)
    world.clock.now += 61
    assert world.occurrences.claim(key).fence == older.fence + 1
    for call in (world.occurrences.save, world.occurrences.renew):
        with pytest.raises(LeaseLost):
            call(older)
