"""Files that come after their folder was closed or refused: each is sent once, or reported."""

from __future__ import annotations

import json
from typing import Any

import pytest
from activation.ledger.runs import RunState

from tests.unit.line.jobs import ALL, LATE_S, Job, Make
from tests.unit.line.world import World, people, table


@pytest.mark.parametrize("action", ["add", "remove"])
def test_a_late_file_of_an_add_or_a_remove_is_a_run_of_its_own(make_world: Make, action: str) -> None:
    """It first waits for another sign; then it is sent, and the folder is not open."""
    world = make_world(actions=ALL)
    job = Job(world, action=action)
    world.run(*job.parts(3), job.put("_SUCCESS"))
    late = job.parts(5, start=3)
    world.handle(late[0])
    assert len(world.receipts()) == 1
    world.run()
    assert sorted(one["rows"]["in"] for one in world.receipts()) == [2, 3]
    assert {one["state"] for one in world.receipts()} == {RunState.APPLIED}
    assert LATE_S in world.delays
    assert job.record().opened_at == 0


@pytest.mark.parametrize("action", ["replace", "mirror"])
@pytest.mark.parametrize("quiet_s", [0, 60])
def test_a_late_file_of_a_replace_is_a_finding_and_never_a_second_replace(
    make_world: Make, action: str, quiet_s: int
) -> None:
    """An event on the app's bus says so, the record counts it, and the audience keeps its people."""
    world = make_world(actions=ALL, strict=True)
    job = Job(world, action=action, quiet_s=quiet_s)
    world.run(*job.parts(3), job.put("_SUCCESS"))
    world.run(*job.parts(5, start=3))
    assert world.check(*people(3))["rows"]["in"] == 3
    assert job.told() == ["Activation Completed", "Activation Late Part"]
    assert world.events[-1]["Detail"]["code"] == "late_part"
    assert world.events[-1]["Detail"]["folder"] == job.folder
    record = job.record()
    assert (record.late_files, record.opened_at) == (1, 0)
    assert world.take_dead_letters() == []


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("below", ["", "deeper/"])
def test_a_late_file_and_its_sign_alone_replace_nobody(make_world: Make, again: bool, below: str) -> None:
    """Whether the file is written again or only the sign, it is refused, also twice; all of the files are sent."""
    world = make_world(actions=ALL)
    job, deeper = Job(world, action="replace"), Job(world, f"run-7/{below}", action="replace")
    world.run(*job.parts(3, 6), *(deeper.parts(8, start=6) if below else ()), job.put("_SUCCESS"))
    world.run(*deeper.parts(10, start=8))
    assert "write all files of the folder again" in world.events[-1]["Detail"]["sentence"]
    for _ in range(2):
        world.run(*(deeper.parts(10, start=8) if again else ()), job.put("_SUCCESS"))
    assert set(world.dead_codes()) == {"stale_files"}
    world.check_members(*people(8 if below else 6))
    whole = [*job.parts(3, 6), *(deeper.parts(8, start=6) if below else ()), *deeper.parts(10, start=8)]
    world.run(*whole, job.put("_SUCCESS"))
    states = {one["rows"]["in"]: one["state"] for one in world.receipts()}
    assert states == {8 if below else 6: "applied", 10 if below else 8: "applied", None: "failed"}


def test_a_manifest_says_what_belongs_after_a_late_file(make_world: Make) -> None:
    """It leaves files out on purpose, so they are no doubt; so does whoever deletes them and redrives the sign."""
    world = make_world(actions=ALL)
    for close in ("manifest", "redrive"):
        job = Job(world, f"{close}/", action="replace")
        world.run(*job.parts(3), job.put("_SUCCESS"))
        world.run(*job.parts(5, start=3))
        if close == "manifest":
            world.run(job.manifest("part-3"))
        else:
            world.run(job.put("_SUCCESS"))
            world.aws.s3.mark_deleted(Bucket="drops", Key=f"{job.folder}part-0")
            world.redrive()
            world.run()
    assert sorted(one["rows"]["in"] for one in world.receipts()) == [2, 2, 3, 3]
    assert [one["code"] for receipt in world.receipts() for one in receipt["warnings"]] == []


def test_a_late_file_of_a_quiet_folder_asks_for_a_new_folder(make_world: Make) -> None:
    """Its tool writes no sign, and a quiet time closes such a folder once."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace", quiet_s=120)
    world.run(*job.parts(3))
    world.run(*job.parts(5, start=3))
    assert world.events[-1]["DetailType"] == "Activation Late Part"
    assert "write the whole export into a new folder" in world.events[-1]["Detail"]["sentence"]


def test_a_late_file_that_a_new_sign_lists_needs_nothing_more(make_world: Make) -> None:
    """The new sign's run sends it, and the count of late files begins anew."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace")
    world.run(*job.parts(3), job.put("_SUCCESS"))
    late = job.parts(5, start=3)
    world.handle(late[0])
    world.run(job.put("_SUCCESS"))
    assert sorted(one["rows"]["in"] for one in world.receipts()) == [2, 3]
    assert set(job.told()) == {"Activation Completed"}
    assert job.record().late_files == 0


@pytest.mark.parametrize("action", ["add", "replace"])
def test_a_left_over_file_is_not_late(make_world: Make, action: str) -> None:
    """A file that was there when the folder was closed, and was not listed, is not sent by a later event."""
    world = make_world(actions=ALL)
    job = Job(world, action=action)
    stale, *parts = job.parts(1, 3, 6)
    world.run(*parts, job.manifest("part-1", "part-3"), stale)
    world.check(*people(5, start=2))
    assert job.told() == ["Activation Completed"]


def test_a_refused_sign_sends_nothing_and_its_files_stay_unsent(make_world: Make) -> None:
    """A manifest that names a missing file fails its run; its parts, whose events come after it, are not late."""
    world = make_world(actions=ALL)
    job = Job(world)
    parts = job.parts(3, 6)
    world.run(job.manifest("part-0", "part-3", "gone"), *parts)
    assert (world.receipt()["state"], world.receipt()["reason"]["code"]) == ("failed", "manifest_missing_file")
    assert world.dead_codes() == ["manifest_missing_file"]
    assert world.platform.calls == {}
    world.run(job.manifest("part-0", "part-3"))
    assert sorted(one["state"] for one in world.receipts()) == ["applied", "failed"]
    world.check_members(*people(6))


@pytest.mark.parametrize("wait_s", [0, 1])
@pytest.mark.parametrize("code", ["manifest_size_differs", "headers_differ"])
def test_a_file_of_a_refused_folder_is_not_sent_alone(make_world: Make, code: str, wait_s: int) -> None:
    """Neither one that was refused with it, in whatever second, nor a later one; both go with the folder."""
    world = make_world(actions=ALL)
    job = Job(world)
    if code == "headers_differ":
        bodies = [*job.parts(3), job.put("part-9", "email,phone\na@b.example,1\n"), job.put("_SUCCESS")]
    else:
        entry = {"url": f"s3://drops/{job.folder}part-0", "meta": {"content_length": 7}}
        at = int(world.clock())
        bodies = job.parts(3)
        sign = world.put(json.dumps({"entries": [entry]}), f"{job.folder}manifest")  # in the same second
        assert int(world.clock()) == at + 1
        bodies = [world.event(sign), *bodies]
    world.run(*bodies)
    assert world.dead_codes() == [code]
    world.clock.pass_s(wait_s)
    world.run(*job.parts(6, start=3), *([] if code == "headers_differ" else [bodies[1]]))
    assert world.platform.calls == {}
    assert len(world.receipts()) == 1
    assert job.told() == ["Activation Failed", "Activation Late Part"]
    assert "redrive it, or write the sign again" in world.events[-1]["Detail"]["sentence"]
    if code == "headers_differ":
        job.parts(8, start=6)
        job.put("part-9", table(people(1, start=9)))
        world.run(job.put("_SUCCESS"))
        world.check_members(*people(9))
    else:
        world.run(job.manifest("part-0", "part-3"))
        world.check_members(*people(6))


@pytest.mark.parametrize("quiet_s", [60, LATE_S, 2 * LATE_S])
def test_a_late_file_of_a_folder_that_a_quiet_time_closes_is_sent_once(make_world: Make, quiet_s: int) -> None:
    """Whichever of the two messages comes first, the quiet time closes the folder with the late file."""
    world = make_world(actions=ALL)
    job = Job(world, quiet_s=quiet_s)
    world.run(*job.parts(3), job.put("_SUCCESS"))
    world.clock.pass_s(12)
    world.run(*job.parts(5, start=3))
    assert sorted(one["rows"]["in"] for one in world.receipts()) == [2, 3]
    assert {one["drop"]["key"] for one in world.receipts()} == {job.folder, f"{job.folder}_SUCCESS"}
    assert job.record().opened_at == 0


def test_a_redrive_lists_a_refused_folder_again(make_world: Make) -> None:
    """The missing file is written, and the same sign closes the folder."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace")
    world.run(*job.parts(3), job.manifest("part-0", "part-3"))
    assert world.receipt()["reason"]["code"] == "manifest_missing_file"
    late = job.parts(6, start=3)
    world.redrive()
    world.run(*late)
    world.check(*people(6))
    assert "Activation Late Part" not in job.told()


@pytest.mark.parametrize(("action", "expected"), [("add", "applied"), ("replace", "late")])
def test_parts_that_come_after_their_sign_are_late(make_world: Make, action: str, expected: str) -> None:
    """The sign is refused as that of an empty folder; what comes then is late."""
    world = make_world(actions=ALL)
    job = Job(world, action=action)
    world.run(job.put("_SUCCESS"))
    assert world.receipt()["reason"]["code"] == "empty_folder"
    world.run(*job.parts(3))
    if expected == "late":
        assert job.told() == ["Activation Failed", "Activation Late Part"]
        assert world.platform.calls == {}
    else:
        world.check_members(*people(3))


def test_a_run_that_failed_took_no_files(make_world: Make) -> None:
    """After one file of a folder was corrected, its sign written again sends all of them, not only that one."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace")
    bad = job.put("part-9", "email,phone\na@b.example,1\n")
    world.run(*job.parts(3), bad, job.put("_SUCCESS"))
    assert world.receipt()["reason"]["code"] == "headers_differ"
    world.run(job.put("part-9", table(people(2, start=4))), job.put("_SUCCESS"))
    applied = next(one for one in world.receipts() if one["state"] == "applied")
    assert (applied["rows"]["in"], applied["folder"]["files"]) == (5, 2)
    world.check_members(*people(5))


@pytest.mark.parametrize("folder", ["run-7/", "run-7/deeper/"])
@pytest.mark.parametrize("action", ["add", "replace"])
@pytest.mark.parametrize("quiet_s", [0, 120])
def test_a_redrive_lists_a_folder_again_of_which_nothing_was_sent(
    make_world: Make, action: str, quiet_s: int, folder: str
) -> None:
    """The corrected file of a refused folder is sent by the redriven run, once, and its event does nothing."""
    world = make_world(actions=ALL)
    job, below = Job(world, action=action, quiet_s=quiet_s), Job(world, folder, action=action, quiet_s=quiet_s)
    bodies = [*below.parts(3), below.put("part-9", "email,phone\na@b.example,1\n")]
    world.run(*bodies, *([] if quiet_s else [job.put("_SUCCESS")]))
    for again in (1, 2):
        corrected = below.put("part-9", "email,x\na@b.example,1\n" if again == 1 else table(people(2, start=4)))
        world.redrive()
        world.handle(corrected)
        world.run()
        assert len(world.receipts()) == 1
    world.check_members(*people(5))
    assert world.receipt()["folder"]["files"] == 2
    assert set(job.told()) == {"Activation Failed", "Activation Completed"}
    assert (job.record().opened_at, below.record().opened_at) == (0, 0)


def test_a_forced_replay_sends_what_a_redriven_run_had_listed(world: World) -> None:
    """The list of the run that ended well counts, not the one of which nothing was sent."""
    job = Job(world)
    bad, sign = job.put("part-9", "email,phone\na@b.example,1\n"), ""
    world.run(*job.parts(3), bad, sign := job.put("_SUCCESS"))
    job.put("part-9", table(people(2, start=4)))
    world.redrive()
    world.run()
    world.run(json.dumps(json.loads(sign) | {"again": "1"}))
    assert [one["rows"]["in"] for one in world.receipts()] == [5, 5]


def test_a_forced_replay_of_a_sign_sends_its_list_again(world: World) -> None:
    """The list is that of the run that it repeats, whatever the folder holds by now."""
    job = Job(world)
    sign_of = [*job.parts(3, 6), job.put("_SUCCESS")]
    world.run(*sign_of)
    job.put("part-0", "email\n")
    event: dict[str, Any] = json.loads(sign_of[-1])
    world.run(json.dumps(event | {"again": "1"}))
    assert [one["rows"]["in"] for one in world.receipts()] == [6, 6]
