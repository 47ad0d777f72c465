"""A large file shared out among several workers is the one run it would be in one stream."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.ledger.runs import RunState
from activation.model import Action

from tests.unit.line.large_files import ABOVE_BYTES, Make, mixed, parts_of
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import World, people, table


def part_calls(world: World) -> set[int]:
    """Return the parts for which messages were queued."""
    return {
        body["part"]
        for one in world.aws.sqs.messages[world.queue_url]
        if "part" in (body := json.loads(one["Body"]))
    }


def same_but_for_the_way(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a receipt what differs with the number of workers, or from one drop to another."""
    ways = ("run_id", "continuations", "batches", "requests", "bytes_sent", "seconds", "active_seconds", "parts")
    drawn = ("connector", "account", "started_at", "written_at", "platform_references", "rejects_key", "drop")
    return {key: value for key, value in receipt.items() if key not in (*ways, *drawn)}


def test_a_file_that_one_stream_sends_after_all_has_no_parts_in_its_receipt(make_large: Make) -> None:
    """The first upload has to create the audience, so nothing is shared out."""
    world = make_large(by_upload=True)
    world.run(world.drop(table(people(40))))
    receipt = world.check(*people(40))
    assert world.platform.created == 1
    assert "parts" not in receipt


@pytest.mark.parametrize("in_flight", [1, 3])
def test_a_large_file_is_one_run_of_several_parts(make_world: Make, make_large: Make, in_flight: int) -> None:
    """Receipt, members and rejects are those of one stream; there is one audience, one event, one turn."""
    good = people(40)
    text, rows = mixed(good)
    worlds = [make_world(in_flight=in_flight), make_large(in_flight=in_flight)]
    for world in worlds:
        world.platform.drops = {hashed(good[7]), hashed(good[33])}
        world.run(world.drop(text))
    alone, shared = worlds
    left = [one for one in good if one not in (good[7], good[33])]
    receipt = shared.check(*left)
    assert same_but_for_the_way(receipt) == same_but_for_the_way(alone.check(*left))
    assert receipt["rows"]["in"] == len(rows)
    assert receipt["rows_mended"] == 14
    assert sorted(shared.rejects()) == sorted(alone.rejects())
    assert receipt["parts"] == 4
    assert "parts" not in alone.receipt()
    assert part_calls(shared) == {0, 1, 2, 3}
    assert len(parts_of(shared)) == 4
    assert shared.platform.created == 1
    assert [one["DetailType"] for one in shared.events] == ["Activation Completed"]
    assert shared.take_dead_letters() == []
    assert receipt["requests"] == shared.platform.calls.total()
    shared.run(shared.drop(table(people(1)), file="next.csv"))  # the turn was given up
    assert len(shared.receipts()) == 2


def test_a_file_at_the_size_or_below_it_is_one_stream(make_large: Make) -> None:
    """Nothing about a small run changes: no parts, one invocation."""
    world = make_large()
    text = table(people(8)) + "\n" * 100
    text = text[:ABOVE_BYTES]
    world.run(world.drop(text))
    assert world.handled == 1
    assert not parts_of(world)
    world = make_large()
    world.settings = replace(world.settings, split_above_bytes=0)
    world.restart()
    world.run(world.drop(table(people(40))))
    world.check(*people(40))
    assert not parts_of(world)


def test_handles_close_the_upload_in_row_order(make_large: Make) -> None:
    """What the parts got from the platform for their batches is handed back in the file's order, once."""
    world = make_large(handles=True)
    world.run(world.drop(table(people(40))))
    world.check(*people(40))
    (closed,) = world.platform.closed
    alone = [int(handle[1:]) for handle in closed.split(",")]
    assert sorted(alone) == list(range(1, len(alone) + 1))
    assert len(alone) == world.receipt()["batches"] >= 14


def test_json_lines_and_parquet_are_shared_out_as_well(make_large: Make) -> None:
    """JSON Lines by lines, Parquet by its row groups, which nobody has to survey."""
    emails = people(60)
    world = make_large()
    world.run(world.drop("".join(f'{{"email": "{one}"}}\n' for one in emails), file="people.jsonl"))
    assert world.check(*emails)["parts"] == 4
    world = make_large(max_parts=3)
    file = io.BytesIO()
    pq.write_table(pa.table({"email": emails}), file, row_group_size=8)
    world.run(world.event(world.put(file.getvalue(), f"{world.name}/vip/raw/people.parquet")))
    assert world.check(*emails)["parts"] >= 2
    assert world.receipt()["drop"]["format"] == "parquet"


def test_what_cannot_be_cut_is_one_stream(make_large: Make) -> None:
    """A compressed text is not even surveyed; a text with a quote out of place is, and then names its row."""
    emails = people(400)
    world = make_large()
    data = gzip.compress(table(emails).encode())
    assert len(data) > ABOVE_BYTES
    world.run(world.event(world.put(data, f"{world.name}/vip/raw/people.csv.gz")))
    world.check(*emails)
    assert not parts_of(world)
    receipts = []
    broken = 'email,note\n"' + table(people(20))[6:]
    for world in (make_large(), _unsplit(make_large())):
        world.run(world.drop(broken))
        receipts.append(same_but_for_the_way(world.receipt()))
        assert world.receipt()["state"] == RunState.FAILED
    assert receipts[0] == receipts[1]


def test_a_row_with_a_quote_out_of_place_is_left_out_of_one_stream(make_large: Make) -> None:
    """The file is surveyed and not cut; its other rows are sent, as they are of a small file."""
    broken = 'email\n"' + table(people(20))[6:]
    receipts = []
    for world in (make_large(), _unsplit(make_large())):
        world.run(world.drop(broken))
        receipts.append(same_but_for_the_way(world.check(*people(20)[1:])))
        assert "parts" not in world.receipt()
        assert world.receipt()["rejected_by_us"] == {"quote_not_closed": 1}
    assert receipts[0] == receipts[1]


def test_a_hashed_file_is_looked_through_by_all_parts_before_any_sends(make_large: Make) -> None:
    """One plaintext value anywhere, and nothing is sent; without one, all is."""
    emails = people(30)
    world = make_large()
    world.run(world.drop(table(map(hashed, emails)), kind="hashed"))
    assert world.check(*emails)["parts"] == 4
    world = make_large()
    world.run(world.drop(table([*map(hashed, emails), "someone@example.com"]), kind="hashed"))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, "clear_text")
    assert "row 31 " in receipt["reason"]["sentence"]
    assert world.platform.calls.total() == 0
    assert (world.dead_codes(), world.wrong_codes()) == ([], ["clear_text"])


def test_people_are_removed_in_parts_too(make_large: Make) -> None:
    """The action is the drop's, whoever sends it."""
    world = make_large()
    emails = people(30)
    world.run(world.event(world.put(table(emails), f"{world.name}/vip/raw/remove/people.csv")))
    assert world.receipt()["action"] == Action.REMOVE
    assert set(world.platform.members.values()) == {-1}
    assert world.receipt()["rows"]["acknowledged"] == 30


def test_a_file_without_any_usable_row_is_refused_as_in_one_stream(make_large: Make) -> None:
    """No row has anything to send."""
    world = make_large()
    world.run(world.drop(table(["nobody"] * 60)))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, "all_rows_rejected")
    assert receipt["rows"]["rejected_by_us"] == receipt["rows"]["in"] == 60
    world.check_sums(receipt)


def test_an_interim_receipt_counts_what_the_parts_have_done(make_large: Make) -> None:
    """It is the run's, claims no rows in, and grows."""
    world = make_large()
    seen: list[dict[str, Any]] = []
    world.aws.after.append(lambda name, params: seen.append(_receipt(params)) if name == "put_object" else None)
    world.platform.faults.append(Fault(skip=7, status=429, headers={"retry-after": "100"}))
    world.run(world.drop(table(people(60))))
    world.check(*people(60))
    interim = [one for one in seen if one and not one["final"]]
    read = [one["rows"]["read"] for one in interim]
    assert read == sorted(read)
    assert any(0 < one < 60 for one in read)
    assert {one["rows"]["in"] for one in interim} == {None}


def _unsplit(world: World) -> World:
    world.settings = replace(world.settings, split_above_bytes=0)
    world.restart()
    return world


def _receipt(params: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(params["Body"]) if params["Key"].endswith(".json") else {}
