"""Which runs leave a dead letter: those that an operator has to act on, and those of which nothing else tells."""

from __future__ import annotations

import json

import pytest
from activation.ledger.runs import RunState
from activation.runs.dispatch import GRACE_S
from activation.runs.letters import leaves_no_letter

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
        (RunState.FAILED, "a code of a later release", False),
        (RunState.BLOCKED, "no_usable_column", False),
        (RunState.APPLIED, "no_usable_column", False),
    ],
)
def test_a_letter_is_for_who_operates_the_app(state: RunState, code: str, none: bool) -> None:
    """A user's mistake that another drop corrects, and what somebody has asked for, call nobody."""
    assert leaves_no_letter(state, code) is none


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
