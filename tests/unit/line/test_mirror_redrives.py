"""Mirrors that go on late: what happened to the audience meanwhile counts, and nothing of it is undone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from activation.errors import ConfigError, Rejected
from activation.ledger.runs import RunState
from activation.mirror.guard import Guard
from activation.mirror.states import MirrorStates
from activation.runs.drop import RunDrop
from activation.runs.mirror_compare import Comparison

from tests.unit.line.mirrors import Make, check_holds, deliver, kept, mirror, mirror_world, state_of
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import World, people, table

OLD, NEW = people(12), people(12, start=3)
each_way = pytest.mark.parametrize("replaces", [False, True], ids=["difference", "replace"])


def remove(world: World, emails: list[str], file: str = "gone.csv") -> str:
    """Put a file of people to remove; return its event."""
    return world.event(world.put(table(emails), f"{world.name}/vip/raw/remove/{file}"))


def lock_of(world: World) -> str:
    """Return the key of the audience's lock."""
    return f"account#tiny#{world.name}#audience#vip"


def redriven(world: World) -> dict[str, Any]:
    """Redrive what stopped, see it through, and return its receipt."""
    (letter,) = world.take_dead_letters()
    world.send(letter["Body"])
    world.run()
    run_id = letter["MessageAttributes"]["run_id"]["StringValue"]
    (receipt,) = [one for one in world.receipts() if one["run_id"] == run_id]
    return receipt


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_a_mirror_does_not_add_again_who_was_removed_since(make_world: Make, skip: int) -> None:
    """It stopped in removes, before or in adds: it is older than the removal, and the next list makes it good."""
    world = mirror_world(make_world, max_rows=1, in_flight=1)
    deliver(world, OLD)
    world.platform.faults.append(Fault(skip=skip, times=1, status=403))
    receipt = deliver(world, NEW)
    assert receipt["state"] == "blocked"
    world.run(remove(world, NEW[-1:]))
    receipt = redriven(world)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "removed_since")
    assert hashed(NEW[-1]) not in world.platform.cells
    receipt = deliver(world, NEW[:-1])
    assert receipt["state"] == RunState.APPLIED
    world.check_sums(receipt)
    check_holds(world, NEW[:-1])
    assert state_of(world).pending == ()
    assert len(kept(world)) == len(state_of(world).objects())


@each_way
def test_an_approved_mirror_does_not_add_again_who_was_removed_while_it_waited(
    make_world: Make, replaces: bool
) -> None:
    """Whoever asked to be removed after the list had come stays removed."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, OLD)
    receipt = deliver(world, people(5))
    world.connector.connector.approvals.note(receipt["run_id"], "ann")
    (letter,) = world.take_dead_letters()
    world.run(remove(world, people(1)))
    world.send(letter["Body"])
    world.run()
    assert (world.dead_codes(), world.wrong_codes()) == ([], ["removed_since"])
    check_holds(world, OLD[1:])


@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_a_mirror_that_goes_on_after_a_reset_adds_the_whole_drop(make_world: Make, skip: int) -> None:
    """What it had added may be gone with the audience, so it is not taken to be there."""
    world = mirror_world(make_world, max_rows=1, in_flight=1)
    deliver(world, OLD)
    world.platform.faults.append(Fault(skip=skip, times=1, status=404))
    receipt = deliver(world, NEW)
    assert receipt["state"] == "failed"
    world.platform.audiences.clear()
    world.platform.cells.clear()
    world.connector.connector.mirrors.reset(lock_of(world), "ann")
    receipt = redriven(world)
    assert receipt["state"] == RunState.APPLIED
    world.check_sums(receipt)
    check_holds(world, NEW)


def test_a_removal_that_goes_on_after_a_mirror_is_noted_again(make_world: Make) -> None:
    """Else the next list that has the person would not add them again."""
    world = mirror_world(make_world, max_rows=1, in_flight=1)
    deliver(world, OLD)
    world.platform.faults.append(Fault(skip=1, times=1, status=403))
    world.run(remove(world, OLD[3:6]))
    letters = world.take_dead_letters()
    deliver(world, NEW)
    world.send(*(one["Body"] for one in letters))
    world.run()
    assert not {hashed(one) for one in OLD[3:6]} & world.platform.cells
    deliver(world, [*NEW, *people(1, start=40)])
    check_holds(world, [*NEW, *people(1, start=40)])


@each_way
def test_a_list_from_before_a_removal_that_arrives_after_it_is_refused(make_world: Make, replaces: bool) -> None:
    """Its message was late: it may have who was removed since; a list that was put after that is taken."""
    world = mirror_world(make_world, replaces=replaces)
    world.run(*(_put_at(one, "05:00:00") for one in mirror(world, OLD)))
    older = [_put_at(one, "06:00:00") for one in mirror(world, [*OLD, *people(1, start=40)])]
    world.run(_put_at(remove(world, OLD[3:5]), "07:00:00"))
    world.run(*older)
    assert (world.dead_codes(), world.wrong_codes()) == ([], ["removed_since"])
    gone = {hashed(one) for one in OLD[3:5]}
    assert not gone & world.platform.cells
    newer = [_put_at(one, "07:00:01") for one in mirror(world, [*OLD, *people(1, start=40)])]
    world.run(*newer)
    assert world.run_of(newer[-1]).state is RunState.APPLIED
    check_holds(world, [*OLD, *people(1, start=40)])


def test_a_list_from_before_a_removal_that_is_sent_by_force_is_refused(make_world: Make) -> None:
    """Whoever sends a removal once more removes its people now, also from the lists that were put in between."""
    world = mirror_world(make_world)
    world.run(*(_put_at(one, "05:00:00") for one in mirror(world, OLD)))
    removal = _put_at(remove(world, OLD[3:5]), "05:30:00")
    world.run(removal)
    between = [_put_at(one, "06:00:00") for one in mirror(world, [*OLD, *people(1, start=40)])]
    world.run(json.dumps(json.loads(removal) | {"again": "2026-11-23"}))
    world.run(*between)
    assert (world.dead_codes(), world.wrong_codes()) == ([], ["removed_since"])
    assert not {hashed(one) for one in OLD[3:5]} & world.platform.cells


def test_a_mirror_that_ends_late_deletes_nothing_that_a_removal_has_read(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had committed and then stopped; a removal that has read its file since is noted with what it wrote."""
    world = mirror_world(make_world, max_rows=1, in_flight=1)
    deliver(world, OLD)
    commit, begin = MirrorStates.commit, MirrorStates.begin

    def committed(*given: Any, **more: Any) -> None:
        commit(*given, **more)
        raise ConfigError("denied", "the function was stopped")

    monkeypatch.setattr(MirrorStates, "commit", committed)
    world.run(*mirror(world, NEW))
    monkeypatch.setattr(MirrorStates, "commit", commit)
    (mirrored,) = world.take_dead_letters()

    def denied(*_: Any) -> None:
        raise ConfigError("denied", "the table denies it")

    monkeypatch.setattr(MirrorStates, "begin", denied)
    world.run(remove(world, NEW[3:6]))
    monkeypatch.setattr(MirrorStates, "begin", begin)
    (removing,) = world.take_dead_letters()
    for letter in (mirrored, removing):
        world.send(letter["Body"])
        world.run()
    check_holds(world, [*NEW[:3], *NEW[6:]])
    receipt = deliver(world, [*NEW, *people(1, start=40)])
    assert receipt["state"] == RunState.APPLIED
    check_holds(world, [*NEW, *people(1, start=40)])


def test_a_removal_in_parts_does_not_go_on_behind_a_mirror(make_world: Make) -> None:
    """The mirror takes whom its workers remove to be there: the rest is refused, until the file is put again."""
    world = mirror_world(make_world, max_rows=1, in_flight=1)
    everybody = people(60)
    world.run(world.event(world.put(table(everybody), f"{world.name}/vip/raw/add/people.csv")))
    world.settings = replace(world.settings, split_above_bytes=200, max_parts=4, guard=Guard(leave=1, shrink=1))
    world.restart()
    world.platform.faults.append(Fault(skip=6, times=1000, status=403))
    event = remove(world, everybody[:40])
    world.run(event)
    world.platform.faults.clear()
    assert world.run_of(event).state is RunState.BLOCKED
    assert world.run_of(event).progress.plan.split is not None
    letters = world.take_dead_letters()
    deliver(world, everybody)
    world.send(*(one["Body"] for one in letters))
    world.run()
    assert world.run_of(event).code == "mirrored_since"
    check_holds(world, everybody)
    world.take_dead_letters()
    world.run(remove(world, everybody[:40], "again.csv"))
    check_holds(world, everybody[40:])
    deliver(world, everybody[20:])
    check_holds(world, everybody[20:])


def test_a_removal_that_a_mirror_overtook_while_it_was_read_loses_no_state(make_world: Make) -> None:
    """What it had written down is deleted by the mirror that commits, so it is written again."""
    world = mirror_world(make_world, max_rows=1, in_flight=1)
    deliver(world, OLD)
    with pytest.MonkeyPatch.context() as patch:

        def denied(*_: object, **__: object) -> None:
            raise ConfigError("denied", "the table denies it")

        patch.setattr(MirrorStates, "begin", denied)
        world.run(remove(world, OLD[3:6]))
    letters = world.take_dead_letters()
    assert letters
    deliver(world, NEW)
    world.send(*(one["Body"] for one in letters))
    world.run()
    receipt = deliver(world, [*NEW, *people(1, start=40)])
    assert receipt["state"] == RunState.APPLIED
    check_holds(world, [*NEW, *people(1, start=40)])


@pytest.mark.parametrize("allowed", [False, True])
def test_an_audience_is_never_replaced_by_nobody(make_world: Make, allowed: bool) -> None:
    """Also where the settings allow an empty drop: the platform does not do it, so nothing is committed."""
    world = mirror_world(make_world, replaces=True)
    if allowed:
        world.settings = replace(world.settings, guard=Guard(empty="allow", leave=1, shrink=1))
        world.restart()
    deliver(world, OLD)
    receipt = deliver(world, "email\n")
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "replace_by_nobody")
    check_holds(world, OLD)
    assert state_of(world).rows == 12


@each_way
@pytest.mark.parametrize("wanted", [[], people(12, start=50)], ids=["nobody", "others"])
def test_the_guard_counts_who_an_unfinished_first_mirror_added(
    make_world: Make, replaces: bool, wanted: list[str]
) -> None:
    """Nothing was committed, but people are in the audience: an empty or a wrong list waits all the same."""
    world = mirror_world(make_world, replaces=replaces, max_rows=5, in_flight=1)
    world.platform.faults.append(
        Fault(call="close" if replaces else "users", skip=0 if replaces else 2, status=403)
    )
    assert deliver(world, OLD)["state"] == "blocked"
    held = set(world.platform.cells)
    receipt = deliver(world, wanted)
    assert receipt["state"] == "blocked"
    assert receipt["reason"]["code"] in ("needs_approval", "replace_by_nobody")
    assert world.platform.cells == held


@each_way
def test_a_mirror_creates_no_second_audience_beside_one_not_listed_yet(make_world: Make, replaces: bool) -> None:
    """A drop has just created the audience: the mirror waits until the platform lists it."""
    world = mirror_world(make_world, replaces=replaces)
    world.platform.hidden_s = 200
    world.run(world.event(world.put(table(OLD), f"{world.name}/vip/raw/add/first.csv")))
    receipt = deliver(world, NEW)
    assert receipt["state"] == RunState.APPLIED
    assert world.platform.created == 1


@each_way
def test_a_mirror_waits_for_its_own_new_audience_to_be_listed(make_world: Make, replaces: bool) -> None:
    """The second of two mirrors in a row does not take the audience to be deleted."""
    world = mirror_world(make_world, replaces=replaces)
    world.platform.hidden_s = 200
    deliver(world, OLD)
    receipt = deliver(world, NEW)
    assert receipt["state"] == RunState.APPLIED
    assert world.platform.created == 1
    check_holds(world, NEW)


@each_way
def test_another_audience_of_the_same_name_is_not_taken_to_hold_the_old_people(
    make_world: Make, replaces: bool
) -> None:
    """Somebody deleted the audience and made one anew: the run is blocked, as for one that is missing."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, OLD)
    world.platform.audiences["vip"] = "theirs"
    sent = world.platform.calls["users"]
    receipt = deliver(world, NEW)
    assert receipt["state"] == "blocked"
    assert receipt["reason"]["code"] == "audience_missing"
    assert world.platform.calls["users"] == sent
    world.connector.connector.mirrors.reset(lock_of(world), "ann")
    world.connector.connector.audiences.adopt(lock_of(world), "ann")
    assert redriven(world)["state"] == RunState.APPLIED


def test_a_refused_replace_does_not_take_the_place_of_a_mirror_that_waits(make_world: Make) -> None:
    """It changes nothing in the audience, so the mirror can still be approved."""
    world = mirror_world(make_world, replaces=True)
    deliver(world, OLD)
    assert deliver(world, people(5))["reason"]["code"] == "needs_approval"
    (letter,) = world.take_dead_letters()
    world.run(world.event(world.put(table(people(3, start=50)), f"{world.name}/vip/raw/replace/more.csv")))
    assert (world.dead_codes(), world.wrong_codes()) == ([], ["mirrored_audience"])
    run_id = letter["MessageAttributes"]["run_id"]["StringValue"]
    world.connector.connector.approvals.note(run_id, "ann")
    world.send(letter["Body"])
    world.run()
    (receipt,) = [one for one in world.receipts() if one["run_id"] == run_id]
    assert receipt["state"] == RunState.APPLIED
    check_holds(world, people(5))


def test_who_says_before_a_redrive_that_an_audience_is_shared_keeps_the_others_in(make_world: Make) -> None:
    """The options are read again, and with them how the audience is changed: it is not replaced as a whole."""
    world = mirror_world(make_world, replaces=True)
    deliver(world, OLD)
    receipt = deliver(world, people(5))
    assert receipt["reason"]["code"] == "needs_approval"
    world.platform.cells.add("theirs")
    world.settings = replace(world.settings, audiences={"vip": {"shared": True}})
    world.restart()
    world.connector.connector.approvals.note(receipt["run_id"], "ann")
    receipt = redriven(world)
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "state_lost")
    assert "theirs" in world.platform.cells


def test_a_baseline_before_a_redrive_keeps_everybody_in(make_world: Make) -> None:
    """It promises that nobody who is in the audience leaves, although the run was to replace it."""
    world = mirror_world(make_world, replaces=True)
    deliver(world, OLD)
    assert deliver(world, people(5))["reason"]["code"] == "needs_approval"
    world.connector.connector.audiences.disown(lock_of(world), "reset by baseline")
    world.connector.connector.mirrors.reset(lock_of(world), "ann")
    receipt = redriven(world)
    assert (receipt["state"], receipt["mirror"]["mode"]) == ("applied", "difference")
    check_holds(world, OLD)


@each_way
def test_an_approved_mirror_is_not_read_once_more(make_world: Make, replaces: bool) -> None:
    """Only the audience is looked for again."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, OLD)
    receipt = deliver(world, people(5))
    candidates = {one for one in kept(world) if "-1/" in one}
    world.connector.connector.approvals.note(receipt["run_id"], "ann")
    assert redriven(world)["state"] == RunState.APPLIED
    assert {one for one in kept(world) if "-1/" in one} == candidates
    check_holds(world, people(5))


def test_a_folder_that_is_listed_again_overwrites_nothing_that_a_state_needs(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first attempt added people whom the corrected files do not have, and who leave therefore."""
    world = mirror_world(make_world, max_rows=1, in_flight=1)
    world.settings = replace(world.settings, guard=Guard(leave=1))
    world.restart()
    deliver(world, OLD)
    world.platform.faults.append(Fault(skip=3, times=1, status=410))
    read, reads = Comparison.read, []

    def once(self: Comparison, drop: RunDrop) -> None:
        reads.append(drop)
        if len(reads) == 2:
            raise Rejected("malformed", "a file is not good")
        read(self, drop)

    monkeypatch.setattr(Comparison, "read", once)
    events = mirror(world, NEW)
    world.run(*events)
    assert world.run_of(events[-1]).state is RunState.FAILED
    assert hashed(NEW[-2]) in world.platform.cells
    world.put(table([*NEW[:-2], *people(1, start=60)]), json.loads(events[0])["detail"]["object"]["key"])
    world.platform.faults.append(Fault(times=1, status=404))
    assert redriven(world)["state"] == RunState.FAILED
    world.take_dead_letters()
    receipt = deliver(world, NEW[:-2])
    assert receipt["state"] == RunState.APPLIED
    check_holds(world, NEW[:-2])


def _put_at(event: str, time: str) -> str:
    """Return an event with the time at which its object was put."""
    return event.replace('"source"', f'"time": "2026-11-23T{time}Z", "source"', 1)
