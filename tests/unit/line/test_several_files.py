"""Files that come directly below one replace, each of which would take out the people of the others."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from activation.ledger.runs import RunState
from activation.model import Action

from tests.unit.line.world import World, people, table

Make = Callable[..., World]
CODE = "several_files_for_one_replace"


def put(world: World, name: str, first: int = 1, count: int = 3, action: str = "replace") -> str:
    """Put a file directly below the action; returns its event."""
    text = table(people(count, start=first))
    return world.event(world.put(text, f"{world.name}/vip/raw/{action}/{name}"))


@pytest.fixture
def world(make_world: Make) -> World:
    """Return a world whose platform offers every action."""
    return make_world(actions=tuple(Action))


def test_two_files_at_once_are_both_blocked(world: World) -> None:
    """Nothing of either is sent, whatever their names, and the sentence says how to make them a folder."""
    world.run(put(world, "a.csv", 1), put(world, "b", 4))
    assert [(one["state"], one["reason"]["code"]) for one in world.receipts()] == [("blocked", CODE)] * 2
    for one in world.receipts():
        assert "nothing of it was sent" in one["reason"]["sentence"]
        assert "a folder below replace/" in one["reason"]["sentence"]
    assert world.dead_codes() == [CODE, CODE]
    assert world.platform.members.total() == 0


def test_a_run_that_has_begun_stops_at_its_next_step(world: World) -> None:
    """Its receipt says how much of it was sent by then."""
    world.budget_s = 80.2
    world.send(put(world, "a.csv", 1, 9))
    world.handle(world.queue.pop(0).body)
    sent = world.platform.members.total()
    assert 0 < sent < 9
    world.run(put(world, "b.csv", 50))
    sentences = [one["reason"]["sentence"] for one in world.receipts()]
    assert sorted(f"{sent} rows of this file had been sent" in one for one in sentences) == [False, True]
    assert world.platform.members.total() == sent
    assert world.dead_codes() == [CODE, CODE]


def test_a_file_after_one_that_was_sent_is_blocked(world: World) -> None:
    """The first has ended and cannot be stopped; the audience keeps its people."""
    first = put(world, "a.csv", 1)
    world.run(first)
    world.clock.pass_s(14 * 60)
    world.run(put(world, "b.csv", 4))
    (blocked,) = (one for one in world.receipts() if one["state"] == "blocked")
    assert len(world.receipts()) == 2
    assert (
        "nothing of it was sent, while of a.csv 3 rows had been sent before. To" in blocked["reason"]["sentence"]
    )
    world.check_members(*people(3))


def test_a_quarter_of_an_hour_later_a_file_is_a_replace_of_its_own(world: World) -> None:
    """A daily export under names of their own is no doubt."""
    world.run(put(world, "a.csv", 1))
    world.clock.pass_s(15 * 60)
    world.run(put(world, "b.csv", 4))
    assert {one["state"] for one in world.receipts()} == {RunState.APPLIED}


def test_a_newer_version_of_the_same_key_is_no_other_file(world: World) -> None:
    """It supersedes the older one, or follows it."""
    world.run(put(world, "a.csv", 1))
    world.run(put(world, "a.csv", 4))
    assert {one["state"] for one in world.receipts()} == {RunState.APPLIED}


def test_other_actions_and_other_objects_do_not_count(world: World) -> None:
    """Files of an add or a remove do no harm to each other; sidecars and folders are no files."""
    for name in ("a.csv.metadata", "_SUCCESS", "run-7/part-0"):
        put(world, name)
    world.run(put(world, "a.csv", 1))
    world.run(put(world, "b.csv", 1, action="add"), put(world, "c.csv", 4, action="add"))
    assert {one["state"] for one in world.receipts()} == {RunState.APPLIED}


def test_a_redrive_sends_the_one_that_is_left(world: World) -> None:
    """Who deletes the file that was not meant sends the other."""
    world.run(put(world, "a.csv", 1), put(world, "b.csv", 4))
    world.aws.s3.delete_object(Bucket="drops", Key=f"{world.name}/vip/raw/replace/a.csv")
    world.redrive()
    world.run()
    codes = {one["drop"]["key"].rsplit("/", 1)[-1]: one["state"] for one in world.receipts()}
    assert codes == {"a.csv": "superseded", "b.csv": "applied"}
    world.check_members(*people(3, start=4))


def test_a_redrive_never_sends_a_file_that_was_deleted(world: World) -> None:
    """Its version is still there below a delete marker; the run ends, and leaves no dead letter."""
    world.run(put(world, "a.csv", 1), put(world, "b.csv", 4))
    world.aws.s3.mark_deleted(Bucket="drops", Key=f"{world.name}/vip/raw/replace/b.csv")
    world.redrive()
    world.run()
    (deleted,) = (one for one in world.receipts() if one["state"] == "superseded")
    assert deleted["drop"]["key"].endswith("/b.csv")
    assert "was deleted before anything of it was sent" in deleted["reason"]["sentence"]
    assert deleted["rows_held"] == 3
    world.check_members(*people(3))
    assert world.take_dead_letters() == []


def test_a_deleted_file_is_sent_where_that_is_forced(world: World) -> None:
    """Who replays its version by force means it."""
    event = put(world, "a.csv", 1)
    world.aws.s3.mark_deleted(Bucket="drops", Key=f"{world.name}/vip/raw/replace/a.csv")
    world.run(json.dumps(json.loads(event) | {"again": "1"}))
    world.check_members(*people(3))
