"""The occurrence table's lease: one worker at a time, and none kept out by its own repeated claim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from activation.aws.lease import LeaseHeld, LeaseLost

from lambdas.ci360.occurrences import Occurrence, State
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


def test_a_restarted_file_does_not_let_an_older_worker_write(world: World) -> None:
    """The fence goes on rising when a failed occurrence is accepted again."""
    key = world.accept(SMALL)
    older = world.occurrences.claim(key)
    world.clock.now += 61
    failing = world.occurrences.claim(key)
    world.occurrences.save(replace(failing, state=State.FAILED))
    world.occurrences.accept_again(replace(world.record(key), link_digest="another"))
    assert world.occurrences.claim(key).fence == 3
    with pytest.raises(LeaseLost):
        world.occurrences.save(older)


def test_a_record_of_an_earlier_release_is_claimed_and_finished(world: World) -> None:
    """What version 0.1.0 wrote is read, its lease respected and its fence raised."""
    texts = {
        "state": "fetching", "lease_token": "0f", "occurrence_id": "o1", "connector": "meta", "upload_id": "u",
        "file_name": "a.csv", "data_link": "https://h.example/d", "metadata_link": "https://h.example/m",
        "link_digest": "d", "tracking_code": "t", "task_code": "T", "request_id": "r", "etag": '"e"',
        "landed_version": "", "code": "", "sentence": "",
    }  # fmt: skip
    numbers = {
        "accepted_at": "1800000000.0", "lease_until": f"{world.clock.now + 30:.3f}", "fence": "4", "turns": "5",
        "idle": "1", "size_bytes": "100", "offset": "50", "part": "2", "rows": "9", "written_bytes": "60",
        "crc32": "77", "columns": "3", "restarts": "1", "expires_at": "1900000000",
    }  # fmt: skip
    item = {name: {"S": text} for name, text in {"pk": "file#k", **texts}.items()}
    world.dynamodb.put_item(
        TableName="occurrences", Item={**item, **{name: {"N": number} for name, number in numbers.items()}}
    )
    with pytest.raises(LeaseHeld) as held:
        world.occurrences.claim("k")
    assert held.value.for_s == pytest.approx(30)
    world.clock.now += 31
    claimed = world.occurrences.claim("k")
    assert claimed == Occurrence(
        "k", State.FETCHING, "o1", "meta", "a.csv", "https://h.example/d", "https://h.example/m", "d", "t", "T",
        "r", 1_800_000_000.0, fence=5, turns=6, idle=1, restarts=1, upload_id="u", etag='"e"', size_bytes=100,
        offset=50, part=2, rows=9, written_bytes=60, crc32=77, columns=3,
    )  # fmt: skip
    world.occurrences.save(replace(claimed, state=State.LANDED))
    assert world.record("k").data_link == ""
