"""Which runs leave a dead letter: those that an operator has to act on, and those of which nothing else tells."""

from __future__ import annotations

import json

import pytest
from activation.codes import Who, rooms
from activation.ledger.runs import RunState
from activation.model import Action
from activation.runs.dispatch import GRACE_S
from activation.runs.letters import leaves_no_letter

from tests.unit.line.jobs import Job
from tests.unit.line.large_files import Make
from tests.unit.line.test_receipts_out_of_reach import out_of_reach
from tests.unit.line.world import people, table

WRONG = "shoe size,colour\n42,red\n"


@pytest.mark.parametrize(
    ("state", "code", "none"),
    [
        (RunState.FAILED, "no_usable_column", True),
        (RunState.FAILED, "not_utf8", True),  # of CI360's files it is another's to act on
        (RunState.FAILED, "stopped", True),
        (RunState.FAILED, "discarded", True),
        (RunState.FAILED, "deadline", False),
        (RunState.FAILED, "headers_differ", False),  # whoever corrects the folder needs a redrive
        (RunState.FAILED, "consent_missing", False),  # the setting names a column that exports do not have
        (RunState.FAILED, "audience_missing", False),  # the secret may name another ad account
        (RunState.FAILED, "object_archived", False),  # has to be restored
        (RunState.FAILED, "a code of a later release", False),
        (RunState.BLOCKED, "no_usable_column", False),
        (RunState.APPLIED, "no_usable_column", False),
    ],
)
def test_a_letter_is_for_who_operates_the_app(state: RunState, code: str, none: bool) -> None:
    """A user's mistake that another drop corrects, and what somebody has asked for, call nobody."""
    assert leaves_no_letter(state, code, key="meta/vip/raw/people.csv", action=Action.ADD) is none


@pytest.mark.parametrize(
    ("action", "folder", "sign"),
    [
        ("remove", "forget-0123456789ab/", "manifest"),
        ("add", "20261130T030000Z/", "sync.manifest"),
        ("add", "crm/", "_manifest.json"),
        ("remove", "leavers/", "_SUCCESS"),
    ],
    ids=["forget", "declared audience", "export", "removal"],
)
def test_what_no_user_drops_again_leaves_a_letter(make_world: Make, action: str, folder: str, sign: str) -> None:
    """An operator hears of a drop that this app has made, and of people who are left in an audience."""
    world = make_world(actions=tuple(Action))
    job = Job(world, folder, action=action)
    part = job.put("part-0.csv", WRONG)
    entries = {"entries": [{"url": f"s3://drops/{job.folder}part-0.csv"}]}
    world.run(part, job.put(sign, "" if sign == "_SUCCESS" else json.dumps(entries)))
    assert world.receipt()["reason"]["code"] == "no_usable_column"
    assert (world.dead_codes(), world.wrong_codes()) == (["no_usable_column"], [])


def test_a_stopped_removal_leaves_no_letter() -> None:
    """Whoever stopped it knows of it."""
    assert leaves_no_letter(RunState.FAILED, "stopped", key="meta/vip/raw/remove/forget-1/m", action=Action.REMOVE)


def test_no_code_that_an_operator_acts_on_is_one_that_another_drop_corrects() -> None:
    """The table says of each that its user acts, and by nothing but a drop."""
    flagged = [one for room in rooms() for one in room.codes if one.new_drop]
    assert {one.who for one in flagged} == {Who.USER}
    assert [one.code for one in flagged if any(word in one.command for word in ("redrive", "replay"))] == []


def test_an_event_that_comes_again_much_later_changes_nothing(make_world: Make) -> None:
    """It is not read, sent or announced again, however late it comes."""
    world = make_world()
    body = world.drop(WRONG)
    world.run(body)
    world.clock.pass_s(2 * GRACE_S)
    before, announced = world.receipt(), len(world.events)
    world.run(body)
    assert (world.receipt(), len(world.events), world.take_dead_letters()) == (before, announced, [])


def test_a_replay_reads_a_wrong_drop_again(make_world: Make) -> None:
    """That is what it promises of unfinished runs."""
    world = make_world()
    body = world.drop(WRONG)
    world.run(body)
    announced = len(world.events)
    world.run(json.dumps({**json.loads(body), "replay-name": "missed"}))
    assert len(world.events) == announced + 1


def test_a_wrong_drop_without_a_receipt_keeps_its_letter(make_world: Make) -> None:
    """Where the receipt may not be written, the letter is all that a person sees."""
    world = make_world()
    out_of_reach(world, "AccessDenied")
    world.run(world.drop(WRONG))
    assert world.dead_codes() == ["no_usable_column"]


def test_a_worker_that_dies_before_it_has_noted_the_mistake_loses_nothing(make_world: Make) -> None:
    """Whichever call is its last: the message comes back, and the run ends as it would have."""
    for at in range(1, 30):
        world = make_world()
        body = world.drop(WRONG)
        world.aws.fuse.set(at)
        world.run(body)
        if not world.crashes:
            break
        assert (world.wrong_codes(), world.dead_codes()) == (["no_usable_column"], [])
        assert world.wrong()[0].message
        world.run(world.drop(table(people(3)), file="right.csv"))
        assert len(world.platform.cells) == 3
    else:
        raise AssertionError("every call was a crash")
