"""A folder is one run, with the rows, requests, receipt and rejects of one file, wherever its worker dies."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.drops.folder_manifest import ManifestReading, manifest_text
from activation.ledger.runs import RunState

from tests.unit.line.effects import effects
from tests.unit.line.folders import cut, drop_folder, placed_rejects
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.test_crashes import mixed
from tests.unit.line.test_fan_out import same_but_for_the_way
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


def test_a_folder_is_one_run(make_world: Make) -> None:
    """Batches are cut across files, and the receipt counts the folder's files, rows and bytes."""
    world = make_world(max_rows=4)
    files = cut(people(10), 3, 3, 9)
    world.run(drop_folder(world, files, skipped=("_SUCCESS", ".part-0.crc"), stale=("part-9",)))
    receipt = world.check(*people(10))
    assert receipt["rows"]["in"] == 10
    assert receipt["batches"] == 3
    assert receipt["drop"]["size_bytes"] == sum(map(len, files.values()))
    assert receipt["folder"] == {
        "prefix": f"{world.name}/vip/raw/export/",
        "files": 4,
        "skipped": {"count": 2, "names": ["_SUCCESS", ".part-0.crc"]},
        "stale": {"count": 1, "names": ["part-9"]},
    }


def test_a_rejected_row_is_named_in_its_file(make_world: Make) -> None:
    """Our rejects, the platform's and left-out cells name the file and the row in it, beside the row in all."""
    world = make_world(max_rows=4)
    good = people(6)
    world.platform.refuses = {hashed(good[4])}
    rows = [*good[:3], "not an address", *good[3:]]
    files = cut(rows, 2) | {"=cmd\n.csv": "email\n\nnobody\n"}
    world.run(drop_folder(world, files))
    world.check(*(one for one in good if one != good[4]))
    assert placed_rejects(world) == [
        ("4", "EMAIL", "not_an_email", "part-1", "2"),
        ("8", "EMAIL", "not_an_email", "./=cmd?.csv", "1"),
        ("6", "", "bad_member", "part-1", "4"),
    ]


def test_files_of_other_headers_send_nothing(make_world: Make) -> None:
    """One file with another header fails the run before any row of any file is sent."""
    world = make_world()
    files = cut(people(9), 3, 6) | {"part-2": "email,phone\na@b.example,1\n"}
    world.run(drop_folder(world, files))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, "headers_differ")
    assert "part-2 is unlike part-0" in receipt["reason"]["sentence"]
    assert world.platform.batches.total() == 0
    assert world.dead_codes() == ["headers_differ"]


def test_a_folder_without_rows_is_an_empty_run(make_world: Make) -> None:
    """Files without a byte or with a header alone end the run as an empty file does."""
    world = make_world()
    world.run(drop_folder(world, {"part-0": "", "part-1": "email\n"}))
    assert world.receipt()["state"] == RunState.EMPTY
    world = make_world()
    world.run(drop_folder(world, {"part-0": "", "part-1": ""}))
    assert world.receipt()["state"] == RunState.EMPTY


def test_what_the_manifest_says_of_columns_counts(make_world: Make) -> None:
    """The mapping in a folder's manifest is read as that of a file's metadata."""
    world = make_world()
    files = cut(people(5), 2, header="Kontakt\n")
    world.run(drop_folder(world, files, reading=ManifestReading((("Kontakt", "email"),))))
    assert world.check(*people(5))["columns"]["mapping"] == {"Kontakt": "email"}


def test_a_file_that_changed_stops_the_run(make_world: Make) -> None:
    """A version whose bytes are others than listed, as in a bucket without versions, is not sent."""
    world = make_world()
    body = drop_folder(world, cut(people(6), 3))
    versions = world.aws.s3.objects["drops", f"{world.name}/vip/raw/export/part-1"]
    versions[0] = table(people(3, start=7)).encode()
    world.run(body)
    assert world.receipt()["reason"]["code"] == "object_changed"
    assert world.platform.batches.total() == 0


def test_a_hashed_folder_is_scanned_first(make_world: Make) -> None:
    """A plaintext value in the last file stops the folder before anything is sent, and is named in its file."""
    world = make_world()
    files = cut([hashed(one) for one in people(4)], 2) | {"part-2": "email\n" + "clear@example.com\n"}
    world.run(drop_folder(world, files, kind="hashed"))
    reason = world.receipt()["reason"]
    assert reason["code"] == "clear_text"
    assert reason["sentence"].startswith("row 1 of part-2 ")
    assert world.platform.batches.total() == 0


@pytest.mark.parametrize("can_ask", [False, True])
def test_a_crash_before_any_one_effect_costs_at_most_one_batch(make_world: Make, can_ask: bool) -> None:
    """Wherever the process dies, also between two files, the folder ends complete and counted once."""
    good = people(7)
    _, rows = mixed(good)
    files = cut([f'"{row}"' for row in rows], 2, 2, 3, 6)
    for at in effects(1, 91):
        world = make_world(can_ask=can_ask)
        body = drop_folder(world, files)
        world.aws.fuse.set(at)
        world.run(body)
        receipt = world.check(*good)
        assert receipt["rows"]["in"] == len(rows)
        assert receipt["resent"] <= world.crashes + world.platform.lost
        assert world.platform.resent == 0 or not can_ask
        assert {one["DetailType"] for one in world.events} == {"Activation Completed"}
        assert {(file, row) for *_, file, row in placed_rejects(world)} == {
            (f"part-{index}", str(row))
            for index, (a, b) in enumerate([(0, 2), (2, 2), (2, 3), (3, 6), (6, len(rows))])
            for row in range(1, b - a + 1)
            if rows[a + row - 1] not in good
        }
        if not world.crashes:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")
    assert at > 20


def test_continuations_and_lost_answers_resume_in_the_right_file(make_world: Make) -> None:
    """An invocation that has time for little, and answers that are lost, cost no row of any file."""
    world = make_world(in_flight=3)
    good = people(40)
    world.platform.faults += [Fault(skip=2, lost="after"), Fault(skip=7, lost="before")]
    world.platform.latency_s = 50.0
    world.run(drop_folder(world, cut(good, 1, 5, 17, 18, 30)))
    receipt = world.check(*good)
    assert receipt["continuations"] > 1


def test_a_replayed_folder_is_not_sent_again(make_world: Make) -> None:
    """A message that comes again finds the run finished."""
    world = make_world()
    body = drop_folder(world, cut(people(5), 2))
    world.run(body)
    sent = world.platform.batches.total()
    world.run(body)
    assert world.platform.batches.total() == sent


def test_headers_are_read_once(make_world: Make) -> None:
    """A later invocation opens the files that it sends, and not all of them for their headers again."""
    world = make_world(in_flight=1)
    world.platform.latency_s = 200.0
    reads: list[str] = []
    world.aws.after.append(
        lambda name, named: reads.append(named["Key"]) if name == "get_object" and named.get("Range") else None
    )
    world.run(drop_folder(world, cut(people(30), *range(3, 30, 3))))
    receipt = world.check(*people(30))
    assert receipt["continuations"] > 3
    first = f"{world.name}/vip/raw/export/part-0"
    assert reads.count(first) <= 2


def test_a_cell_that_is_left_out_is_named_in_its_file(make_world: Make) -> None:
    """The receipt names the first left-out cells by file and row, beside the rows in all."""
    world = make_world()
    world.platform.drops = set()
    good = people(6)
    rows = [f"{one},{'' if at % 3 else 'n.a. at all'}" for at, one in enumerate(good)]
    world.run(drop_folder(world, cut(rows, 2, header="email,spare\n")))
    left_out = world.receipt()["cells_left_out"]["SPARE"]
    assert list(left_out.values()) == [
        {
            "cells": 2,
            "first_rows": [1, 4],
            "first_places": [{"file": "part-0", "row": 1}, {"file": "part-1", "row": 2}],
        }
    ]


def test_a_manifest_as_the_command_writes_it_begins_the_run(make_world: Make) -> None:
    """Files of any depth that it lists are the drop, read by its mapping, and shared out if they are large."""
    world = large(make_world())
    prefix, rows = f"{world.name}/vip/raw/export-20261129T231500Z/", people(40)
    names = {"b.csv": rows[:3], "a/b.csv": rows[3:30], "c.csv": rows[30:]}
    items = [
        world.put("Kontakt\n" + "".join(f"{one}\n" for one in of), prefix + name) for name, of in names.items()
    ]
    text = manifest_text(
        "drops", [(one["key"], one["size"]) for one in items], ManifestReading((("Kontakt", "email"),))
    )
    world.run(*map(world.event, items), world.event(world.put(text, f"{prefix}manifest")))
    receipt = world.check(*rows)
    assert receipt["folder"]["files"] == 3
    assert receipt["parts"] > 1
    assert receipt["columns"]["mapping"] == {"Kontakt": "email"}


LARGE_BYTES = 200


def large(world: World, *, max_parts: int = 4) -> World:
    """Let a few hundred bytes be a large folder in a world."""
    world.settings = replace(world.settings, split_above_bytes=LARGE_BYTES, max_parts=max_parts)
    world.restart()
    return world


def test_a_large_folder_is_shared_out(make_world: Make) -> None:
    """Receipt, members and rejects are those of one stream; small files share a part, large ones are cut."""
    good = people(60)
    _, rows = mixed(good)
    files = cut([f'"{row}"' for row in rows], 3, 5, 5, 50)
    worlds = [make_world(), large(make_world())]
    for world in worlds:
        world.platform.drops = {hashed(good[7]), hashed(good[33])}
        world.run(drop_folder(world, files))
    alone, shared = worlds
    left = [one for one in good if one not in (good[7], good[33])]
    receipt, of_one = shared.check(*left), alone.check(*left)
    del receipt["folder"]["prefix"], of_one["folder"]["prefix"]
    assert same_but_for_the_way(receipt) == same_but_for_the_way(of_one)
    assert receipt["rows"]["in"] == len(rows)
    assert receipt["parts"] == 5
    assert sorted(placed_rejects(shared)) == sorted(placed_rejects(alone))
    assert shared.take_dead_letters() == []


def test_compressed_files_and_parquet_are_shared_out_by_files(make_world: Make) -> None:
    """A compressed file is one part's, and Parquet is cut at row groups without a survey."""
    good = people(300)
    world = large(make_world())
    files = {f"part-{at}.gz": gzip.compress(table(good[at : at + 50]).encode()) for at in range(0, 300, 50)}
    world.run(drop_folder(world, files))
    assert world.check(*good)["parts"] > 1
    assert world.receipt()["drop"]["format"] == "csv+gzip"
    world = large(make_world())
    parquet: dict[str, str | bytes] = {}
    for at in range(0, 60, 20):
        file = io.BytesIO()
        pq.write_table(pa.table({"email": good[at : at + 20]}), file, row_group_size=8)
        parquet[f"part-{at:02}"] = file.getvalue()
    world.run(drop_folder(world, parquet))
    assert world.check(*good[:60])["parts"] > 1


def test_a_large_hashed_folder_is_scanned_by_all_parts(make_world: Make) -> None:
    """A plaintext value in any part stops all of them before anything is sent."""
    good = [hashed(one) for one in people(30)]
    world = large(make_world())
    world.run(drop_folder(world, cut(good, 4, 20), kind="hashed"))
    assert world.check(*people(30))["parts"] > 1
    world = large(make_world())
    world.run(drop_folder(world, cut([*good, "someone@example.com"], 4, 20), kind="hashed"))
    reason = world.receipt()["reason"]
    assert (reason["code"], reason["sentence"].split(" has ")[0]) == ("clear_text", "row 11 of part-2")
    assert world.platform.calls.total() == 0


@pytest.mark.parametrize("seed", range(6))
def test_parts_of_a_folder_may_die_anywhere(make_world: Make, seed: int) -> None:
    """However often workers die, the folder is sent once and every row is accounted for in its file."""
    chance = random.Random(seed)
    world = large(make_world(in_flight=chance.choice([1, 3])))
    good = people(40)
    _, rows = mixed(good)
    files = cut([f'"{row}"' for row in rows], *sorted(chance.sample(range(len(rows)), 4)))
    body = drop_folder(world, files)
    crashes = [chance.randrange(20, 120) for _ in range(4)]

    def arm(_: str, __: object) -> None:
        if crashes and not world.aws.fuse.at:
            world.aws.fuse.set(crashes.pop())

    world.aws.before.append(arm)
    world.run(body)
    world.redrive()
    world.run()
    receipt = world.check(*good)
    assert world.crashes
    assert receipt["rows"]["in"] == len(rows)
    placed = [line[3:] for line in placed_rejects(world)]
    assert len(set(placed)) == len(placed) == len(rows) - len(good)
