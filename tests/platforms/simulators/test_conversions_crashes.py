"""Events through crashes, lost answers and replays: at most as many count twice as the receipt says."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.conversions_line import HEADER, ConversionsLine

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


def test_a_crash_while_an_upload_is_sent_again_forgets_no_doubt(meta: Outside) -> None:
    """Events are counted as in doubt before they are sent again: a worker that dies then has counted them."""
    meta.configure(deduplicates=False)
    line = ConversionsLine(meta, max_rows=10, in_flight=1)
    meta.fail(LOST)  # the first answer; the process dies after the second one, and a third upload is acknowledged
    line.dies_after = {2}
    receipt = line.deliver([line.sale(number) for number in range(10)])
    assert (line.crashes, line.calls) == (1, 3)
    assert receipt["in_doubt"] == line.dataset()["doubles"] == 20


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


@pytest.mark.parametrize("crashes", [0, 3])
def test_a_file_that_several_workers_send_has_the_same_repeats_and_the_same_bound(
    meta: Outside, crashes: int
) -> None:
    """Ids that come twice are found across the parts of a large file, and each part counts its own doubts."""
    meta.configure(deduplicates=False)
    line = ConversionsLine(meta, max_rows=5, in_flight=2)
    line.settings = replace(line.settings, split_above_bytes=2_000, max_parts=3)
    line.restart()
    rows = [*(line.sale(number) for number in range(120)), line.sale(2, value="1.00")]
    message = line.message(rows)
    crash_at(line, [4, 9, 14][:crashes])
    line.run(message)
    receipt, dataset = line.receipt(), line.dataset()
    assert line.crashes == crashes
    assert receipt["parts"] > 1
    line.check_sums(receipt)
    assert receipt["rejected_by_us"] == {"repeated_event_id": 2}
    assert {row for row, _, _ in line.rejects(receipt)} == {"3", "121"}
    assert len({one["event_id"] for one in line.counted()}) == 119
    assert dataset["doubles"] <= receipt["in_doubt"]
    assert (receipt["in_doubt"] > 0) == (crashes > 0)


def test_a_folder_of_events_is_one_drop(meta: Outside) -> None:
    """Ids that come twice are found across the files of a folder, which have one run and one receipt."""
    line = ConversionsLine(meta)
    header = ",".join(HEADER)
    for file, numbers in (("part-0.csv", range(5)), ("part-1.csv", range(4, 9))):
        cells = [",".join(line.sale(number)[name] for name in HEADER) for number in numbers]
        text = "\n".join([header, *cells]) + "\n"
        line.run(line.event(line.put(text, f"shop/sales/events/day/{file}")))
    line.run(line.event(line.put("", "shop/sales/events/day/_SUCCESS")))
    receipt = line.receipt()
    line.check_sums(receipt)
    assert receipt["rows"]["in"] == 10
    assert receipt["rejected_by_us"] == {"repeated_event_id": 2}
    assert len(line.counted()) == 8
