"""Drops that are deleted once their run is final, and those that have to stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from activation.aws.table import ConditionalTable
from activation.drops.checksum import is_copy
from activation.drops.messages import read
from activation.drops.source import BytesSource
from activation.drops.sources import BucketSource
from activation.errors import Rejected, Retryable
from activation.ledger.drop_users import DropUsers
from activation.ledger.runs import RunState
from activation.model import Action
from activation.runs.final_drop import FLAT_S

from tests.unit.line.aws_in_memory import refusal
from tests.unit.line.jobs import Job
from tests.unit.line.undoing import undo, undone
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


@pytest.fixture
def world(make_world: Make) -> World:
    """Return a world that deletes final drops, on a platform that offers every action."""
    return deleting(make_world(actions=tuple(Action)))


def deleting(world: World, **settings: object) -> World:
    """Let a world delete final drops."""
    world.settings = replace(world.settings, deletes_final_drops=True, **settings)  # type: ignore[arg-type]  # any
    world.restart()
    return world


def left(world: World, bucket: str = "drops") -> list[str]:
    """Return the names of the files in a bucket, all versions of them."""
    found = world.aws.s3.list_object_versions(Bucket=bucket, Prefix="").get("Versions", [])
    return [one["Key"].rsplit("/", 1)[-1] for one in found]


def test_a_file_is_deleted_a_quarter_of_an_hour_after_its_run(world: World) -> None:
    """With all of its versions: each has a run of its own."""
    first, second = (world.drop(table(people(2, start=start))) for start in (1, 3))
    ends = world.clock()
    world.run(first, second)
    assert {one["state"] for one in world.receipts()} == {RunState.APPLIED}
    assert left(world) == []
    assert world.clock() - ends >= FLAT_S
    assert world.take_dead_letters() == []


def test_a_folder_is_deleted_at_once_and_its_sign_stays(world: World) -> None:
    """The sign says that the folder was closed, and holds nobody."""
    job = Job(world, action="add")
    world.run(*job.parts(4), job.put("_SUCCESS"))
    assert left(world) == ["_SUCCESS"]
    assert world.receipt()["rows"]["in"] == 4


def test_earlier_versions_of_a_folders_files_are_deleted_as_well(world: World) -> None:
    """Else yesterday's version would be the current one again, and sent by the next sign; a later one stays."""
    job = Job(world, action="add")
    for _ in range(2):
        parts = job.parts(4)
    world.run(*parts, job.put("_SUCCESS"))
    assert left(world) == ["_SUCCESS"]
    assert not world.aws.s3.list_object_versions(Bucket="drops", Prefix="").get("DeleteMarkers")


def test_what_a_failed_run_of_the_folder_reads_stays_for_its_redrive(world: World) -> None:
    """Its files were overwritten by a later night, which was sent."""
    job = Job(world, action="add")
    world.run(job.put("part-0", "colour\nred\n"), job.put("_SUCCESS"))
    assert world.wrong_codes()
    world.clock.pass_s(2 * FLAT_S)
    world.run(*job.parts(4), job.put("_SUCCESS"))
    assert sorted(one["state"] for one in world.receipts()) == [RunState.APPLIED, RunState.FAILED]
    assert left(world).count("part-0") == 1


def test_an_export_of_the_sync_is_left_to_the_sync(world: World) -> None:
    """The sync deletes the whole folder, with what failed attempts left in it, which no listing has."""
    job = Job(world, action="add")
    parts = job.parts(4)
    kept = left(world)
    world.run(*parts, job.manifest(*kept, name="sync.manifest"))
    assert world.receipt()["state"] == RunState.APPLIED
    assert sorted(left(world)) == sorted([*kept, "sync.manifest"])


def test_settings_that_keep_drops_keep_them(make_world: Make) -> None:
    """Nothing is deleted then, and no message queued for it."""
    world = make_world()
    world.run(world.drop(table(people(2))))
    assert left(world) == ["people.csv"]
    assert world.delays == []


def test_a_drop_of_a_run_that_failed_stays_until_that_is_redriven(world: World) -> None:
    """It is what a redrive reads."""
    body = world.drop("colour\nred\n")
    world.run(body)
    assert world.receipt()["state"] == RunState.FAILED
    world.clock.pass_s(2 * FLAT_S)
    world.run(body)
    assert left(world) == ["people.csv"]


def test_a_forced_replay_that_has_begun_keeps_the_drop_until_it_has_ended(world: World) -> None:
    """The drop's own run ends meanwhile; what is asked for afterwards fails, and says that the object is gone."""
    body = world.drop(table(people(9)))
    again = json.dumps({**json.loads(body), "again": "once more"})
    world.handle(body)
    world.budget_s = 80.2
    world.handle(again)
    assert [one["state"] for one in world.receipts()].count(RunState.APPLIED) == 1
    world.clock.pass_s(2 * FLAT_S)
    world.handle(body)
    assert left(world) == ["people.csv"]
    world.budget_s = 300.0
    world.run()
    assert {one["state"] for one in world.receipts()} == {RunState.APPLIED}
    assert left(world) == []
    world.run(json.dumps({**json.loads(body), "again": "too late"}))
    assert (world.dead_codes(), world.wrong_codes()) == ([], ["object_gone"])


def test_a_replay_of_a_deleted_drop_does_nothing(world: World) -> None:
    """Its run is known to have ended, from the ledger and, once that has forgotten it, from the receipt."""
    body = world.drop(table(people(2)))
    world.run(body)
    for forgotten in (False, True):
        if forgotten:
            world.aws.dynamodb.items.clear()
        world.run(json.dumps({**json.loads(body), "replay-name": "activation-1"}))
        assert world.receipt()["state"] == RunState.APPLIED
    assert world.take_dead_letters() == []


def test_a_replace_beside_which_a_file_was_written_is_blocked_as_ever(world: World) -> None:
    """The first file, which was sent, is still there, so that the second does not take out its people."""
    paths = [f"{world.name}/vip/raw/replace/{name}.csv" for name in "ab"]
    world.handle(world.event(world.put(table(people(3)), paths[0])))
    world.clock.pass_s(FLAT_S - 60)
    second = world.event(world.put(table(people(3, start=4)), paths[1]))
    world.run()
    world.run(second)
    assert sorted(left(world)) == ["a.csv", "b.csv"]
    assert world.dead_codes() == ["several_files_for_one_replace"]


def test_a_replace_alone_is_deleted(world: World) -> None:
    """Nothing else was written below it in time."""
    world.run(world.event(world.put(table(people(3)), f"{world.name}/vip/raw/replace/a.csv")))
    assert left(world) == []


@pytest.mark.parametrize("written_again", [False, True])
def test_a_late_file_of_a_deleted_replace_takes_nobody_out(world: World, *, written_again: bool) -> None:
    """The sign alone, written again after it, is refused as if the other files were still there."""
    job = Job(world, action="replace")
    world.run(*job.parts(3, 6), job.put("_SUCCESS"))
    assert left(world) == ["_SUCCESS"]
    world.clock.pass_s(60)
    world.run(*job.parts(7, 8, start=6))
    world.clock.pass_s(60)
    world.run(*(job.parts(3, 6) if written_again else []), job.put("_SUCCESS"))
    assert world.dead_codes() == ([] if written_again else ["stale_files"])
    if not written_again:
        world.check_members(*people(6))


def test_a_folder_of_a_replace_that_a_quiet_time_may_close_stays(world: World) -> None:
    """A sign that comes later sends its files again."""
    job = Job(world, action="replace", quiet_s=60)
    deleting(world)
    world.run(*job.parts(3))
    assert world.receipt()["state"] == RunState.APPLIED
    assert left(world) != []


def test_nothing_is_deleted_in_a_source(world: World) -> None:
    """It is another owner's."""
    deleting(world, sources=(BucketSource("theirs", "exports/", "vip", "raw"),))
    version = world.aws.s3.put_object(Bucket="theirs", Key="exports/a.csv", Body=table(people(2)).encode())
    item = {"key": "exports/a.csv", "size": 9, "version-id": version["VersionId"], "sequencer": "01"}
    event = json.loads(world.event(item))
    event["detail"]["bucket"]["name"] = "theirs"
    world.run(json.dumps(event))
    assert world.receipt()["state"] == RunState.APPLIED
    assert left(world, "theirs") == ["a.csv"]


@pytest.mark.parametrize(("code", "failures"), [("SlowDown", 1), ("AccessDenied", 0)])
def test_a_deletion_that_fails_is_repeated_where_that_can_help(world: World, code: str, failures: int) -> None:
    """The run has ended; a missing permission leaves the drop to the bucket's lifecycle."""
    job = Job(world, action="add")
    broken = [True]

    def fail(operation: str, _: object) -> None:
        if operation == "delete_objects" and broken:
            broken.clear()
            raise refusal("DeleteObjects", code)

    world.aws.before.append(fail)
    world.run(*job.parts(4), job.put("_SUCCESS"))
    assert world.receipt()["state"] == RunState.APPLIED
    assert len(world.failures) == failures
    assert (left(world) == ["_SUCCESS"]) is (failures == 1)


def test_a_drop_of_a_forget_is_deleted_also_where_drops_are_kept(make_world: Make) -> None:
    """It is the one that nobody may keep."""
    world = make_world()
    world.run(world.drop(table(people(4))))
    job = Job(world, "forget-0123456789ab/", action="remove")
    world.run(*job.parts(2), job.manifest("part-0"))
    assert left(world) == ["people.csv", "manifest"]
    assert world.receipts()[-1]["state"] == RunState.APPLIED


def copied(world: World, body: str, copy: bytes, key: str = "vip/raw/_activation_undo/1") -> str:
    """Upload a copy of a deleted drop, and return the message by which its run is undone with it."""
    drop, key = json.loads(undo(world, body)), f"{world.name}/{key}"
    version = world.aws.s3.put_object(Bucket="drops", Key=key, Body=copy)["VersionId"]
    told = {"bucket": "drops", "key": key, "version_id": version, "size_bytes": len(copy)}
    return json.dumps({**drop, "copy": told})


def test_a_run_whose_drop_was_deleted_is_undone_by_a_copy(world: World) -> None:
    """It is read as the drop was, by what its metadata said, and deleted once the undo is final."""
    text = table(people(6)).replace("email", "who", 1)
    said = {"column-map": "who=email"}
    body = world.event(world.put(text, f"{world.name}/vip/raw/people.csv", metadata=said))
    world.run(body)
    assert (world.receipt()["rows"]["acknowledged"], left(world)) == (6, [])
    drop = read(body, origins=world.settings.origins, account="").drop
    known = DropUsers(ConditionalTable(world.aws.dynamodb, "ledger"), world.name).checksum(drop)
    assert is_copy(BytesSource(text.encode()), drop, known)
    assert not is_copy(BytesSource(text.encode()[:-1] + b"x"), drop, known)
    assert not is_copy(BytesSource(text.encode() + b"x"), drop, known)
    message = copied(world, body, text.encode())
    receipt = undone(world, message)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 6)
    assert world.platform.cells == set()
    assert left(world) == []


def test_the_copy_of_a_refused_undo_is_deleted(make_world: Make) -> None:
    """A new undo uploads its own copy, and the settings that keep drops do not apply to it."""
    world = make_world()
    text = table(people(6))
    body = world.drop(text)
    world.run(body)
    message = copied(world, body, text.encode())
    world.run(world.drop(table(people(2, start=20)), file="later.csv"))
    assert undone(world, message)["reason"]["code"] == "undo_refused"
    assert left(world) == ["later.csv", "people.csv"]


@pytest.mark.parametrize("size_bytes", [None, 2_000_000_001])
def test_a_drop_is_deleted_also_where_no_checksum_can_be_made(
    world: World, monkeypatch: pytest.MonkeyPatch, size_bytes: int | None
) -> None:
    """It is too large to be read once more in time, or cannot be read now."""
    if size_bytes is None:
        monkeypatch.setattr("activation.runs.final_drop.checksum", busy)
    else:
        monkeypatch.setattr("activation.runs.final_drop._CHECKSUM_BYTES", 10)
        monkeypatch.setattr("activation.runs.final_drop.checksum", not_asked)
    body = world.drop(table(people(6)))
    world.run(body)
    assert left(world) == []
    assert world.failures == []


def busy(*_: object) -> str:
    """Fail as a bucket that is too busy does."""
    raise Retryable("storage", "S3 is busy")


def not_asked(*_: object) -> str:
    """Fail the test."""
    raise AssertionError("the whole drop is read")


@pytest.mark.parametrize(
    ("key", "version", "undo_id"),
    [
        ("other/vip/raw/_activation_undo/1", "v", "a" * 32),
        ("NAME/vip/raw/people.csv", "v", "a" * 32),
        ("NAME/vip/raw/_activation_undo/1", "", "a" * 32),
        ("NAME/vip/raw/_activation_undo/1", "v", ""),
    ],
)
def test_a_message_cannot_have_any_object_deleted_as_a_copy(
    world: World, key: str, version: str, undo_id: str
) -> None:
    """It has to be the copy of an undo, in its folder, and of a version."""
    body = world.event(world.put(table(people(2)), f"{world.name}/vip/raw/people.csv"))
    key = key.replace("NAME", world.name)
    told = {"bucket": "drops", "key": key, "version_id": version, "size_bytes": 1}
    message = {**json.loads(body), "undo": undo_id, "copy": told}
    with pytest.raises(Rejected, match="where an undo uploads it"):
        read(json.dumps(message), origins=world.settings.origins, account="")


def test_the_event_of_an_undos_copy_begins_no_run(world: World) -> None:
    """Its key is that of a sidecar."""
    world.run(world.event(world.put(table(people(2)), f"{world.name}/vip/raw/_activation_undo/1")))
    assert world.receipts() == []
    assert world.take_dead_letters() == []


def test_no_checksum_is_kept_of_a_drop_that_removes(world: World) -> None:
    """Nothing undoes a removal."""
    body = world.event(world.put(table(people(2)), f"{world.name}/vip/raw/remove/people.csv"))
    world.run(body)
    assert left(world) == []
    drop = read(body, origins=world.settings.origins, account="").drop
    assert DropUsers(ConditionalTable(world.aws.dynamodb, "ledger"), world.name).checksum(drop) == ""
