"""When a folder's run begins, and what becomes of the files that a tool writes into it."""

from __future__ import annotations

import pytest
from activation.ledger.folders import Folder

from tests.unit.line.effects import effects
from tests.unit.line.jobs import ALL, LATE_S, OPEN_S, Job, Make
from tests.unit.line.world import World, people, table


def test_a_file_of_a_folder_is_noted_and_sends_nothing(world: World) -> None:
    """Until a sign comes there is no run, no receipt and no request; the record says what has arrived."""
    job = Job(world)
    for body in job.parts(2, 4):
        world.handle(body)
    assert (world.receipts(), world.platform.calls) == ([], {})
    record = job.record()
    assert (record.files, record.opened_at, record.last_event) == (2, world.clock() - 0, world.clock())


@pytest.mark.parametrize("action", ["", "add", "replace"])
def test_three_parts_are_one_run(make_world: Make, action: str) -> None:
    """One receipt, one lock and one replace, with all the people of all the parts."""
    world = make_world(actions=ALL)
    job = Job(world, action=action)
    world.run(*job.parts(3, 6, 9), job.put("_SUCCESS"), job.put(".part-0.crc", "x"))
    receipt = world.check(*people(9))
    assert receipt["rows"]["in"] == 9
    assert receipt["folder"]["files"] == 3
    assert job.told() == ["Activation Completed"]
    assert job.record().opened_at == 0
    assert world.take_dead_letters() == []


def test_a_sign_that_overtakes_its_parts_events_closes_them_too(world: World) -> None:
    """The list counts, not the order of the events: parts that are in it need nothing more."""
    job = Job(world)
    parts = job.parts(3, 6)
    world.run(job.put("_SUCCESS"))
    world.check(*people(6))
    world.run(*parts)
    world.check(*people(6))
    assert job.record().opened_at == 0
    assert world.delays.count(LATE_S) == 0


def test_a_manifest_closes_what_it_lists_and_names_the_rest(make_world: Make) -> None:
    """Redshift's UNLOAD with ALLOWOVERWRITE: parts of a larger export before are not sent."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace")
    parts = job.parts(3, 6, 9)
    world.run(*parts, job.manifest("part-0", "part-3"))
    receipt = world.check(*people(6))
    assert receipt["folder"]["stale"] == {"count": 1, "names": ["part-6"]}
    assert job.told() == ["Activation Completed"]


def test_a_nightly_job_into_one_folder_is_a_run_each_night(make_world: Make) -> None:
    """The second night's files wait for their sign, and are not late."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace")
    world.run(*job.parts(3, 6), job.put("_SUCCESS"))
    world.clock.pass_s(86_400)
    night = [job.put("part-0", table(people(3, start=50))), job.put("_SUCCESS")]
    world.platform.members.clear()  # the small platform only adds
    world.run(*night)
    first, second = sorted(world.receipts(), key=lambda one: one["started_at"])
    assert (first["rows"]["in"], second["rows"]["in"]) == (6, 3)
    assert second["folder"]["stale"] == {"count": 1, "names": ["part-3"]}
    assert [one["code"] for one in first["warnings"]] == []
    assert [one["code"] for one in second["warnings"]] == ["files_left_over"]
    assert set(job.told()) == {"Activation Completed"}
    world.check_members(*people(3, start=50))


def test_a_quiet_time_closes_no_mirror(make_world: Make) -> None:
    """Nothing says that all files of the export have come: the folder is reported as open."""
    world = make_world(actions=ALL, strict=True)
    job = Job(world, action="mirror", quiet_s=120)
    world.run(*job.parts(3))
    assert world.receipts() == []
    assert job.told() == ["Activation Folder Open"]


@pytest.mark.parametrize("action", ["add", "replace"])
def test_a_quiet_time_closes_a_folder_without_a_sign(make_world: Make, action: str) -> None:
    """Clean Rooms' tree: the folder's run has the prefix for its key, and later events of its files do nothing."""
    world = make_world(actions=ALL)
    job = Job(world, "collaboration=1f/9c1e/", action=action, quiet_s=120)
    parts = [job.put("000", table(people(3))), job.put("001", table(people(3, start=4)))]
    world.run(*parts)
    receipt = world.check(*people(6))
    assert (receipt["drop"]["key"], receipt["folder"]["files"]) == (job.folder, 2)
    world.run(*parts)
    assert len(world.receipts()) == 1
    assert job.told() == ["Activation Completed"]
    assert job.record().opened_at == 0


def test_a_folder_is_quiet_only_when_nothing_has_come_for_so_long(world: World) -> None:
    """A file that comes within the quiet time begins it again."""
    job = Job(world, quiet_s=120)
    first, second = job.parts(3)[0], ""
    world.handle(first)
    world.clock.pass_s(100)
    second = job.parts(6, start=3)[0]
    world.handle(second)
    world.run()
    assert world.check(*people(6))["folder"]["files"] == 2


def test_a_crash_anywhere_while_a_quiet_folder_is_closed_loses_nothing(make_world: Make) -> None:
    """Wherever the process dies, the folder ends as one run."""
    for at in effects(1, 60):
        world = make_world(actions=ALL)
        job = Job(world, action="replace", quiet_s=120)
        parts = job.parts(3, 6)
        world.aws.fuse.set(at)
        world.run(*parts)
        world.check(*people(6))
        assert len(world.receipts()) == 1
        if not world.crashes:
            return
    pytest.fail("the sweep did not reach the end of a run")


@pytest.mark.parametrize("action", ["add", "replace"])
def test_a_crash_anywhere_while_a_sign_closes_a_folder_loses_nothing(make_world: Make, action: str) -> None:
    """Wherever the process dies, the folder ends as one run, and nothing is late or left open."""
    for at in effects(1, 90):
        world = make_world(actions=ALL)
        job = Job(world, action=action)
        bodies = [*job.parts(3, 6), job.put("_SUCCESS")]
        world.aws.fuse.set(at)
        world.run(*bodies)
        world.check(*people(6))
        assert len(world.receipts()) == 1
        assert set(job.told()) == {"Activation Completed"}
        assert job.record().opened_at == 0
        if not world.crashes:
            return
    pytest.fail("the sweep did not reach the end of a run")


def test_a_folder_that_stays_open_is_reported_once(world: World) -> None:
    """After `folder_open_hours` an event says what it waits for; nothing of it is sent."""
    job = Job(world)
    world.run(*job.parts(3, 6))
    assert job.told() == ["Activation Folder Open"]
    assert world.events[0]["Detail"]["code"] == "folder_open"
    assert (world.receipts(), world.platform.calls) == ([], {})
    record = job.record()
    assert record.files == 2
    assert world.clock() - record.opened_at >= OPEN_S
    world.run(job.put("_SUCCESS"))
    world.check(*people(6))


def test_a_sidecar_begins_no_run_and_opens_no_folder(world: World) -> None:
    """What tools write beside their files is passed over at any depth, as is a mark beside loose files."""
    job = Job(world)
    names = ["x.csv.metadata", "a_$folder$", "error/part", "_temporary/0/x", "a.md5", "deeper/", "z-manifest.csv"]
    world.run(*(job.put(name, "x") for name in names), job.put("empty", ""))
    world.run(world.event(world.put("", f"{job.base}_SUCCESS")))
    assert (world.receipts(), world.events, world.take_dead_letters()) == ([], [], [])
    assert job.record() == Folder()


def test_a_loose_file_that_a_manifest_listed_is_not_sent_again(make_world: Make) -> None:
    """Directly below the action, a manifest whose event comes first makes its files one drop."""
    world = make_world(actions=ALL)
    job = Job(world, "", action="replace")
    parts = job.parts(3, 6)
    world.run(job.manifest("part-0", "part-3"), *parts)
    assert world.check(*people(6))["folder"]["files"] == 2
    assert len(world.receipts()) == 1


def test_a_sign_closes_the_folders_below_its_own(world: World) -> None:
    """The folder below is not open any more, and is not reported."""
    job = Job(world)
    below = Job(world, "run-7/deeper/")
    parts = [*job.parts(3), *below.parts(6, start=3)]
    world.run(*parts, job.put("_SUCCESS"))
    world.check(*people(6))
    assert below.record().opened_at == 0
    assert job.told() == ["Activation Completed"]


def test_a_superseded_sign_closes_nothing(make_world: Make) -> None:
    """Of two versions of a sign the newer one closes the folder."""
    world = make_world(actions=ALL)
    job = Job(world, action="replace")
    parts = job.parts(3)
    world.run(*parts, job.put("_SUCCESS"), job.put("_SUCCESS"))
    assert sorted(one["state"] for one in world.receipts()) == ["applied", "superseded"]
    world.check_members(*people(3))
