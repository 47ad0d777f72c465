"""Events through crashes, lost answers and replays: at most as many count twice as the receipt says."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping

import pytest

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.conversions_line import ConversionsLine

each_mode = pytest.mark.parametrize("deduplicates", [True, False], ids=["deduplicates", "counts again"])
LOST = {"route": "/events", "times": 1, "drop": "after"}


def crash_at(line: ConversionsLine, uploads: list[int]) -> None:
    """Kill the process right after each of these uploads has reached the platform, before it is acknowledged."""

    def before(name: str, _: Mapping[str, object]) -> None:
        if name == "update_item" and uploads and line.applied >= uploads[0]:
            uploads.pop(0)
            line.aws.fuse.at = line.aws.fuse.count + 1

    line.aws.before.append(before)


@each_mode
def test_two_crashes_and_a_replay_count_no_more_twice_than_the_receipt_says(
    meta: Outside, deduplicates: bool
) -> None:
    """Whatever the platform does with an id that it has seen, the receipt bounds what counts twice."""
    meta.configure(deduplicates=deduplicates)
    line = ConversionsLine(meta, max_rows=10, in_flight=3)
    message = line.message([line.sale(number) for number in range(200)])
    crash_at(line, [5, 12])
    line.run(message)
    assert line.crashes == 2
    line.run(line.event(json.loads(message)["detail"]["object"], **{"replay-name": "again"}))
    receipt, dataset = line.receipt(), line.dataset()
    line.check_sums(receipt)
    assert receipt["rows"]["acknowledged"] == 200
    assert len({one["event_id"] for one in line.counted()}) == 200
    assert dataset["doubles"] == (0 if deduplicates else dataset["received"] - 200)
    assert 0 < dataset["received"] - 200 <= receipt["in_doubt"] <= 2 * 3 * 10
    assert [one["code"] for one in receipt["warnings"]] == ["events_in_doubt"]


def test_a_lost_answer_is_in_doubt_as_often_as_it_is_sent_again(meta: Outside) -> None:
    """An upload that is lost twice may count three times, which is twice more than once."""
    meta.configure(deduplicates=False)
    line = ConversionsLine(meta, max_rows=10, in_flight=1)
    meta.fail(LOST | {"times": 2})
    receipt = line.deliver([line.sale(number) for number in range(20)])
    assert receipt["in_doubt"] == line.dataset()["doubles"] == 20
    assert receipt["rows"]["acknowledged"] == 20


@pytest.mark.parametrize("seed", range(6))
def test_crashes_anywhere_never_count_more_twice_than_the_receipt_says(meta: Outside, seed: int) -> None:
    """The process dies at random effects, answers are lost, and the bound holds; no event is lost."""
    chance = random.Random(seed)
    meta.configure(deduplicates=False, refused_orders=["A-17"] if seed % 2 else [])
    line = ConversionsLine(meta, max_rows=5, in_flight=chance.choice([1, 3]))
    meta.fail(*(LOST | {"skip": chance.randrange(12)} for _ in range(2)))
    message = line.message([line.sale(number) for number in range(60)])
    crashes = [chance.randrange(8, 30) for _ in range(5)]

    def arm(_: str, __: Mapping[str, object]) -> None:
        if crashes and line.aws.fuse.at == 0:
            line.aws.fuse.at = line.aws.fuse.count + crashes.pop()

    line.aws.before.append(arm)
    line.run(message)
    line.redrive()
    line.run()
    receipt, dataset = line.receipt(), line.dataset()
    refused = 1 if seed % 2 else 0
    line.check_sums(receipt)
    assert receipt["rows"]["acknowledged"] == 60 - refused
    assert len({one["event_id"] for one in line.counted()}) == 60 - refused
    assert dataset["doubles"] <= receipt["in_doubt"]
