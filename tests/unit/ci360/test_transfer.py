"""Transfers: one whole object with its facts, whoever is killed, or nothing and a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from lambdas.ci360 import fetching
from lambdas.ci360.occurrences import State
from lambdas.ci360.redaction import RedactingFormatter
from lambdas.ci360.rows import MAX_RECORD_BYTES
from lambdas.ci360.transferring import MAX_IDLE
from tests.unit.ci360.landed import HEADER, PART_BYTES, ROWS, SMALL, check_failed, check_landed
from tests.unit.ci360.world import World

pytestmark = pytest.mark.usefixtures("small_parts")


@pytest.mark.parametrize("metadata", ["json", "csv"])
def test_a_small_file_lands_with_its_header(world: World, metadata: str) -> None:
    """Either form of metadata gives the header; rows and digest are the object's metadata."""
    key = world.accept(SMALL, metadata=metadata)
    assert world.advance(key) is State.LANDED
    check_landed(world, key, SMALL.encode(), 2)
    (detail,) = world.events.details("Landing Completed")
    assert (detail["rows"], detail["key"]) == (2, key)


def test_a_large_file_lands_in_parts(world: World, large_file: str) -> None:
    """Parts end where records do, and the object is the file."""
    key = world.accept(large_file)
    assert world.advance(key) is State.LANDED
    check_landed(world, key, large_file.encode(), ROWS)
    assert world.record(key).part == 4


def test_a_drop_s_key_makes_a_drop(world: World) -> None:
    """A task whose file name is a drop's key fills that connector's prefix."""
    key = world.accept(SMALL, s3_filename="meta/VIP customers/raw/people.csv", occurrence_id="run-1")
    assert key == "meta/VIP customers/raw/people_run-1.csv"
    assert world.advance(key) is State.LANDED
    check_landed(world, key, SMALL.encode(), 2)


def test_a_landing_may_go_without_header(world: World) -> None:
    """The settings can keep the reference's output, without names; a drop has them all the same."""
    bare = replace(world.settings, landing_header=False)
    key = world.accept(SMALL)
    assert world.advance(key, world.transfers(settings=bare)) is State.LANDED
    assert world.object(key)[0] == SMALL.encode()
    drop = world.accept(SMALL, s3_filename="meta/VIP/raw/people.csv")
    assert world.advance(drop, world.transfers(settings=bare)) is State.LANDED
    assert world.object(drop)[0] == HEADER + SMALL.encode()


def test_a_mark_goes_and_line_ends_stay(world: World) -> None:
    """A byte order mark would stand in the middle behind the header; the header's line end is the data's."""
    key = world.accept("\ufeffid-1,a@example.com,X\r\n")
    assert world.advance(key) is State.LANDED
    assert world.object(key)[0] == b"identity_id,email,city\r\nid-1,a@example.com,X\r\n"


def test_an_empty_audience_is_a_header(world: World) -> None:
    """Nobody was selected: the file is there, with no row, and says so."""
    key = world.accept("")
    assert world.advance(key) is State.LANDED
    check_landed(world, key, b"", 0)


def test_cells_are_not_rewritten(world: World) -> None:
    """What a spreadsheet would take for a formula is somebody's data."""
    data = "id-1,=cmd|'/c calc'!A1,X\n"
    key = world.accept(data)
    assert world.advance(key) is State.LANDED
    check_landed(world, key, data.encode(), 1)


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ({"data": "id-1,M\n"}, "column_count"),
        ({"data": SMALL + "id-3,c@example.com\n"}, "column_count"),
        ({"data": 'id-1,"a@example.com,X\n'}, "broken_csv"),
        ({"data": SMALL, "metadata": '{"columnName":"identity_id"}'}, "metadata_not_array"),
        ({"data": SMALL, "metadata": '[{"columnName":"a"},{"columnName":"b"},{"columnName":"a"}]'},
         "metadata_duplicate_column"),
    ],
)  # fmt: skip
def test_a_bad_file_ends_with_its_reason(world: World, task: dict[str, Any], code: str) -> None:
    """Nothing of it is visible, the record has the code, the message is among the dead letters."""
    key = world.accept(**task)
    assert world.advance(key) is State.FAILED
    check_failed(world, key, code)


def test_a_bad_row_far_down_leaves_nothing(world: World, large_file: str) -> None:
    """Parts that were uploaded already are removed when the last row does not fit."""
    key = world.accept(large_file + "one,two\n")
    assert world.advance(key) is State.FAILED
    check_failed(world, key, "column_count")
    assert f"row {ROWS + 1} " in world.record(key).sentence


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"redirect_to": "http://127.0.0.1:9001/"}, "redirect"),
        ({"no_length": True}, "no_length"),
        ({"encoding": "gzip"}, "encoded"),
    ],
)
def test_a_bad_answer_ends_it(world: World, settings: dict[str, Any], code: str) -> None:
    """A server's misbehaviour has a status of its own."""
    key = world.accept(SMALL)
    world.outside.configure(**settings)
    assert world.advance(key) is State.FAILED
    check_failed(world, key, code)


def test_an_expired_link_ends_it(world: World) -> None:
    """There is nothing to wait for; CI360 has to run the task again."""
    key = world.accept(SMALL)
    world.outside.advance(2 * 3600)
    assert world.advance(key) is State.FAILED
    check_failed(world, key, "link_expired")
    assert world.advance(key) is State.FAILED
    assert len(world.events.entries) == 1


def test_a_file_above_the_cap_ends_it(world: World) -> None:
    """The cap is checked before anything is stored."""
    key = world.accept(SMALL)
    small_cap = world.transfers(settings=replace(world.settings, max_file_bytes=10))
    assert world.advance(key, small_cap) is State.FAILED
    check_failed(world, key, "too_large")


def test_a_busy_server_is_asked_again_later(world: World) -> None:
    """The message comes again after a while, the lease is free, and then it lands."""
    key = world.accept(SMALL)
    world.messages(world.queue)
    world.outside.fail({"route": "data.csv", "status": 503, "headers": {"Retry-After": "2"}})
    assert world.advance(key) is State.FETCHING
    assert world.record(key).code == "source_busy"
    assert world.advance(key) is State.LANDED
    assert world.record(key).code == ""
    check_landed(world, key, SMALL.encode(), 2)


def test_cut_connections_are_taken_up_where_they_broke(world: World, large_file: str) -> None:
    """Reading goes on at the last part's end by range, and no byte is there twice."""
    world.outside.configure(
        cut_after_bytes=PART_BYTES + 10_000, cuts=3
    )  # the first of them is the metadata's answer
    key = world.accept(large_file)
    transfers = world.transfers()
    assert world.advance(key, transfers) is State.LANDED
    check_landed(world, key, large_file.encode(), ROWS)
    ranges = [one["note"].get("range") for one in world.outside.requests("data.csv")]
    assert len(ranges) == 3
    assert ranges[0] is None
    assert all(ranges[1:])


def test_a_long_file_takes_many_invocations(
    world: World, large_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stops in time, records where it is, gives up its lease and sends the message that goes on."""
    monkeypatch.setattr(fetching, "READ_BYTES", PART_BYTES // 6)
    key = world.accept(large_file)
    world.messages(world.queue)
    states: list[State | None] = []
    places: list[int] = []
    for _ in range(10):
        reads = iter([300.0] * 8)
        states.append(world.advance(key, time_left_s=partial(next, reads, 0.0)))
        places.append(world.record(key).offset)
        if states[-1] is State.LANDED:
            break
    assert states[-1] is State.LANDED
    assert len(states) > 2
    assert places == sorted(places)
    check_landed(world, key, large_file.encode(), ROWS)


def test_a_file_that_does_not_move_is_given_up(world: World) -> None:
    """Whole invocations without one part are no transfer."""
    key = world.accept(SMALL)
    for turn in range(MAX_IDLE):
        state = world.advance(key, time_left_s=lambda: 0.0)
        assert state is (State.FETCHING if turn < MAX_IDLE - 1 else State.FAILED)
    check_failed(world, key, "too_slow")


def test_a_file_that_cannot_be_had_is_given_up_at_its_deadline(world: World) -> None:
    """However often it may be tried: after the deadline it is over, and somebody is told."""
    key = world.accept(SMALL)
    world.outside.fail({"route": "data.csv", "status": 503, "times": None})
    assert world.advance(key) is State.FETCHING
    world.clock.now += world.settings.deadline_s + 1
    assert world.advance(key) is State.FAILED
    check_failed(world, key, "deadline")


def test_no_link_and_no_cell_is_told_or_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Events, dead letters, records of final files and logs hold neither."""
    caplog.set_level("DEBUG", logger="ci360")
    for data in (SMALL, SMALL + "id-3,carla@example.com\n"):
        world.advance(world.accept(data))
    lines = [RedactingFormatter().format(record) for record in caplog.records]
    assert len(lines) == 2
    emitted = json.dumps(world.events.entries) + str(world.messages(world.dead_letters)) + "\n".join(lines)
    items = world.occurrences._table.client.scan(TableName="occurrences")["Items"]
    for text in (emitted, json.dumps(items)):
        assert "X-Amz" not in text
        assert "@example.com" not in text


def test_a_part_is_as_large_as_s3_asks() -> None:
    """What the longest record leaves of a block is a part S3 takes."""
    assert fetching.PART_BYTES - MAX_RECORD_BYTES >= 5 * 1024**2
