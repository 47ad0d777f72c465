"""Folders whose signs, quiet times, files and events come in an order that could cost people their place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from activation.drops.sources import BucketSource
from activation.model import Action
from botocore.exceptions import ClientError

from tests.unit.line.jobs import Job
from tests.unit.line.test_sources import put as put_in
from tests.unit.line.test_sources import with_sources
from tests.unit.line.world import World, people, table

Make = Callable[..., World]
ALL = tuple(Action)
QUIET_S, LONG_S = 120, 3600  # the latter is longer than late files are waited for


def rows(world: World) -> list[int]:
    """Return the rows of each run, in the order in which the runs began."""
    return [one["rows"]["in"] for one in sorted(world.receipts(), key=lambda one: str(one["started_at"]))]


def test_a_sign_after_a_quiet_time_replaces_with_all_of_the_folder(make_world: Make) -> None:
    """The quiet time came too early: what it took belongs to the same export as what came after it."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace", quiet_s=QUIET_S)
    world.run(*job.parts(3))
    assert rows(world) == [3]
    world.run(*job.parts(5, start=3), job.put("_SUCCESS"))
    assert rows(world) == [3, 5]


@pytest.mark.parametrize("action", ["add", "replace"])
def test_a_sign_after_a_quiet_time_that_took_all_is_no_failure(make_world: Make, action: str) -> None:
    """A sign that comes later than the quiet time finds nothing new, and begins no run."""
    world = make_world(actions=ALL)
    job = Job(world, action=action, quiet_s=QUIET_S)
    world.run(*job.parts(3))
    world.run(job.put("_SUCCESS"))
    assert rows(world) == [3]
    assert job.told() == ["Activation Completed"]
    assert world.take_dead_letters() == []


def test_a_file_written_again_with_the_same_bytes_is_in_the_next_replace(make_world: Make) -> None:
    """Without versions an ETag tells bytes apart, not the nights on which they were written."""
    world = make_world(actions=ALL)
    with_sources(world, BucketSource("exports", "vip/", "vip", "raw", "replace"), versioned=False)
    same = table(people(3))

    def night(start: int) -> None:
        world.clock.pass_s(86_400)
        events = [
            put_in(world, "vip/e/part-0", same),
            put_in(world, "vip/e/part-1", table(people(2, start=start))),
        ]
        world.clock.pass_s(1)
        world.run(*events, put_in(world, "vip/e/_SUCCESS", ""))

    night(10)
    night(20)
    assert rows(world) == [5, 5]


@pytest.mark.parametrize("quiet_s", [0, QUIET_S])
def test_a_part_below_announced_while_its_folder_is_listed_is_no_folder_of_its_own(
    make_world: Make, quiet_s: int
) -> None:
    """The folder above has the file in its list, so that the one below neither replaces anybody nor stays open."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace", quiet_s=quiet_s)
    below = [job.put("a/part", table(people(3))), job.put("b/part", table(people(3, start=4)))]
    sign = job.put("_SUCCESS")
    listed: list[str] = []

    def announce(name: str, _: Any) -> None:
        if name == "put_object" and not listed:
            listed.append(name)
            world.clock.pass_s(1)
            for body in below:
                world.handle(body)

    world.aws.before.append(announce)
    world.run(sign)
    assert rows(world) == [6]
    assert job.told() == ["Activation Completed"]


def test_many_folders_below_a_closed_one_are_no_folders_of_their_own(make_world: Make, monkeypatch: Any) -> None:
    """Those in whose records the closing is not noted find it in the record of the folder above."""
    monkeypatch.setattr("activation.runs.closing.MOST_NESTED", 1)
    world = make_world(actions=ALL)
    job = Job(world, action="replace", quiet_s=QUIET_S)
    below = [job.put(f"{name}/part", table(people(1, start=at))) for at, name in enumerate("abc", 1)]
    world.run(*below, job.put("_SUCCESS"))
    assert rows(world) == [3]
    assert job.told() == ["Activation Completed"]


@pytest.mark.parametrize("action", ["add", "replace"])
def test_a_folder_begun_after_one_above_was_closed_is_its_own(make_world: Make, action: str) -> None:
    """Its files are not late: they wait for its sign or its quiet time as those of any folder."""
    world = make_world(actions=ALL)
    job = Job(world, action=action, quiet_s=LONG_S)
    world.run(*job.parts(3), job.put("_SUCCESS"))
    below = Job(world, "run-7/more/", action=action, quiet_s=LONG_S)
    world.run(*below.parts(5, start=3), *below.parts(9, start=5))
    assert rows(world) == [3, 6]
    assert job.told() == ["Activation Completed"] * 2


def upload_begun(world: World, key: str, at: float) -> None:
    """Date an object as S3 dates one that was uploaded in parts: by when that was begun."""
    versions = world.aws.s3.objects["drops", key]
    world.aws.s3.uploaded_in_parts.add(versions[-1])
    world.aws.s3.written["drops", key, str(len(versions))] = datetime.fromtimestamp(int(at), tz=UTC)


@pytest.mark.parametrize(("action", "sent"), [("add", [3, 2]), ("replace", [3])])
def test_a_late_file_is_late_however_early_its_upload_began(
    make_world: Make, action: str, sent: list[int]
) -> None:
    """A large file that was begun before the sign, and ended after the list was made, is not left over."""
    world = make_world(actions=ALL)
    job = Job(world, action=action)
    began = world.clock()
    world.run(*job.parts(3), job.put("_SUCCESS"))
    (late,) = job.parts(5, start=3)
    upload_begun(world, f"{job.folder}part-3", began)
    world.run(late)
    assert rows(world) == sent
    assert ("Activation Late Part" in job.told()) is (action == "replace")


def test_a_new_sign_sends_a_file_whose_upload_began_before_the_last_one(make_world: Make) -> None:
    """The list of the last closing says what is left over, not the time at which an upload was begun."""
    world = make_world(actions=ALL)
    job = Job(world)
    began = world.clock()
    world.run(*job.parts(3), job.put("_SUCCESS"))
    (late,) = job.parts(5, start=3)
    upload_begun(world, f"{job.folder}part-3", began)
    world.run(late, job.put("_SUCCESS"))
    assert rows(world) == [3, 2]


def test_a_sign_written_again_while_the_first_is_handled_loses_nobody(make_world: Make) -> None:
    """Of two versions that are handled at once the newer one takes what the older one then does not."""
    world = make_world(actions=ALL)
    job = Job(world)
    parts = job.parts(3)
    first = job.put("_SUCCESS")
    more = job.parts(5, start=3)
    second = job.put("_SUCCESS")
    begun: list[str] = []

    def at_once(name: str, named: Any) -> None:
        if name == "update_item" and ":closings" in named["ExpressionAttributeValues"] and not begun:
            begun.append(name)
            world.send(second)
            try:
                world.handle(second)
            finally:
                world.queue.remove(next(one for one in world.queue if one.body == second))

    world.aws.after.append(at_once)
    world.run(*parts, *more, first)
    world.check_members(*people(5))


def test_closings_that_were_refused_do_not_make_old_files_new(make_world: Make) -> None:
    """However often a sign was refused, what an earlier run sent is left over."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace")
    world.run(*job.parts(3), job.put("_SUCCESS"))
    for _ in range(4):
        world.run(job.put("_SUCCESS"))
    world.run(*job.parts(5, start=3), job.put("_SUCCESS"))
    assert sorted(one["rows"]["in"] for one in world.receipts() if one["state"] == "applied") == [2, 3]


def test_a_forced_replay_of_a_quiet_folder_sends_its_list_again(make_world: Make) -> None:
    """Its key is the folder's own, which an object's creation never has."""
    world = make_world(actions=ALL)
    job = Job(world, quiet_s=QUIET_S)
    world.run(*job.parts(3))
    drop = world.receipt()["drop"]
    item = {"key": drop["key"], "size": drop["size_bytes"], "version-id": drop["version_id"]}
    world.run(world.event(item, again="1"))
    assert rows(world) == [3, 3]


def test_a_superseded_folder_says_how_many_rows_it_holds(make_world: Make) -> None:
    """The rows are those of its files, whatever its sign holds."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace")
    job.parts(3, 6)
    older, newer = job.manifest("part-0", "part-3"), job.manifest("part-0")
    world.run(newer)
    world.run(older)
    (superseded,) = (one for one in world.receipts() if one["state"] == "superseded")
    assert superseded["rows_held"] == 6


def test_a_redrive_lists_a_quiet_folder_again_that_was_refused(make_world: Make, monkeypatch: Any) -> None:
    """It had too many files; some were deleted, and the rest is sent."""
    monkeypatch.setattr("activation.drops.folder_closing.MOST_PARTS", 1)
    world = make_world(actions=ALL)
    job = Job(world, action="replace", quiet_s=QUIET_S)
    world.run(*job.parts(3, 6))
    assert world.receipt()["reason"]["code"] == "too_many_parts"
    world.aws.s3.delete_object(Bucket="drops", Key=f"{job.folder}part-3")
    world.redrive()
    world.run()
    world.check_members(*people(3))


def test_two_quiet_folders_below_one_replace_are_in_doubt(make_world: Make) -> None:
    """Each would take out the people of the other, as two files would; one that is deleted is not sent."""
    world = make_world(actions=ALL)
    one = Job(world, "run-7/US/", action="replace", quiet_s=QUIET_S)
    two = Job(world, "run-7/DE/", action="replace", quiet_s=QUIET_S)
    world.run(*one.parts(3), *two.parts(5, start=3))
    assert world.platform.calls == {}
    assert {one["reason"]["code"] for one in world.receipts()} == {"several_files_for_one_replace"}
    world.aws.s3.mark_deleted(Bucket="drops", Key=f"{two.folder}part-3")
    world.redrive()
    world.run()
    assert sorted(one["state"] for one in world.receipts()) == ["applied", "superseded"]
    world.check_members(*people(3))


def test_a_late_file_that_its_owner_deleted_is_no_failure(world: World) -> None:
    """Of a source whose prefix alone may be listed, S3 answers 403 for an object that is not there."""
    with_sources(world, BucketSource("exports", "vip/", "vip", "raw"))
    world.run(put_in(world, "vip/e/part-0", table(people(3))), put_in(world, "vip/e/_SUCCESS", ""))
    late = put_in(world, "vip/e/part-1", table(people(2, start=4)))
    world.aws.s3.delete_object(Bucket="exports", Key="vip/e/part-1")

    def deny(name: str, named: Any) -> None:
        if name == "head_object" and named["Key"] == "vip/e/part-1":
            answer: Any = {"Error": {"Code": "403"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            raise ClientError(answer, "HeadObject")

    world.aws.before.append(deny)
    world.run(late)
    assert rows(world) == [3]
    assert (world.failures, world.take_dead_letters()) == ([], [])


def test_a_sign_whose_worker_died_while_a_quiet_time_closed_its_folder_is_no_failure(make_world: Make) -> None:
    """Its message returns after the quiet time, and finds nothing left to send."""
    for at in range(1, 12):
        world = make_world(actions=ALL)
        job = Job(world, quiet_s=QUIET_S)
        parts = job.parts(3, 6)
        for body in parts:
            world.handle(body)
        sign = job.put("_SUCCESS")
        world.aws.fuse.set(at)
        world.run(sign)
        assert world.crashes == 1
        assert "Activation Failed" not in job.told()
        world.check_members(*people(6))


def test_a_folder_whose_files_were_deleted_takes_new_ones(world: World) -> None:
    """A job that failed removed them, and writes into the same folder again."""
    job = Job(world, quiet_s=QUIET_S)
    first = job.parts(3)
    world.aws.s3.delete_object(Bucket="drops", Key=f"{job.folder}part-0")
    world.run(*first)
    assert world.receipts() == []
    world.run(*job.parts(3))
    world.check(*people(3))
    assert world.failures == []


def test_a_superseded_sign_took_no_file(make_world: Make) -> None:
    """Without versions the event of an older sign lists what is there; what it then does not send stays new."""
    world = make_world(actions=ALL)
    with_sources(world, BucketSource("exports", "vip/", "vip", "raw", "replace"), versioned=False)
    parts = [put_in(world, "vip/e/part-0", table(people(3)))]
    older, newer = put_in(world, "vip/e/_SUCCESS", ""), put_in(world, "vip/e/_SUCCESS", "")
    world.run(*parts, newer)
    world.clock.pass_s(1)
    more = put_in(world, "vip/e/part-1", table(people(2, start=4)))
    world.run(older, more)
    assert rows(world) == [3, None]
    world.clock.pass_s(1)
    world.run(put_in(world, "vip/e/_SUCCESS", ""))
    assert rows(world) == [3, None, 2]
