"""Never two audiences of one name, whoever begins first and whatever the platform lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from activation.ledger.audiences import NEW_S
from activation.model import Action

from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import World, people, table

Make = Callable[..., World]
FIRST, SECOND = people(4), people(4, start=50)
KINDS = [(Action.ADD, Action.ADD), (Action.REPLACE, Action.ADD), (Action.ADD, Action.REPLACE)]


def drop_of(world: World, action: Action, emails: list[str], file: str) -> str:
    """Put a file for the same audience."""
    return world.event(world.put(table(emails), f"{world.name}/vip/raw/{action}/{file}"))


@pytest.mark.parametrize(("first", "second"), KINDS)
@pytest.mark.parametrize("call", ["find", "create", "users"])
def test_a_run_that_begins_while_another_creates_waits_for_it(
    make_world: Make, first: Action, second: Action, call: str
) -> None:
    """Of two runs at once, the second begins at any call of the first, and the platform has one audience."""
    world = make_world(handles=True, actions=Action)
    one, other = drop_of(world, first, FIRST, "one.csv"), drop_of(world, second, SECOND, "other.csv")
    states: list[object] = []
    world.platform.faults.append(Fault(call, act=lambda: states.append(world.handle(other))))
    world.run(one)
    assert states == ["waiting"]
    assert world.platform.created == 1
    assert sorted(receipt["state"] for receipt in world.receipts()) == ["applied", "applied"]
    assert len({receipt["audience"]["id"] for receipt in world.receipts()}) == 1
    held = SECOND if second is Action.REPLACE else [*FIRST, *SECOND]
    assert world.platform.held == {(hashed(person),) for person in held}


@pytest.mark.parametrize(("first", "second"), KINDS)
def test_a_run_that_comes_before_the_platform_lists_the_audience_creates_no_other(
    make_world: Make, first: Action, second: Action
) -> None:
    """An audience that a run has created is awaited, although the platform does not list it yet."""
    world = make_world(handles=True, actions=Action)
    world.platform.hidden_s = 200
    world.run(drop_of(world, first, FIRST, "one.csv"))
    world.run(drop_of(world, second, SECOND, "other.csv"))
    assert world.platform.created == 1
    assert sorted(receipt["state"] for receipt in world.receipts()) == ["applied", "applied"]


def test_two_connectors_of_one_account_create_one_audience(make_world: Make) -> None:
    """What one connector has created, another of the same ad account awaits as well."""
    world = make_world()
    world.platform.hidden_s = 200
    world.run(world.drop(table(FIRST)))
    account = world.name
    world.name = f"{account}b"
    world.settings = replace(world.settings, connector=world.name)
    world.restart()
    world.run(world.drop(table(SECOND)))
    assert world.platform.created == 1
    assert world.receipt()["state"] == "applied"


def test_an_audience_that_somebody_deleted_is_created_again(make_world: Make) -> None:
    """A new audience that is not listed for long is gone, and a run makes another."""
    world = make_world()
    world.run(world.drop(table(FIRST)))
    del world.platform.audiences["vip"]
    world.run(world.drop(table(SECOND), file="later.csv"))
    assert world.platform.created == 2
    second = next(one for one in world.receipts() if one["audience"]["created"] and one["seconds"] >= NEW_S / 2)
    assert second["state"] == "applied"


def test_a_run_whose_own_creation_was_lost_looks_for_it_itself(make_world: Make) -> None:
    """The run that creates the audience waits for no other, and finds what its lost call has created."""
    world = make_world()
    world.platform.faults.append(Fault("create", lost="after"))
    world.run(world.drop(table(FIRST)))
    assert world.platform.created == 1
    assert world.receipt()["state"] == "applied"


def test_an_audience_is_on_the_list_before_its_first_request(world: World) -> None:
    """Whoever asks to be forgotten is removed from it, also if the run dies for good."""
    seen: list[bool] = []

    def look(name: str) -> None:
        if name.endswith("begins"):
            seen.append(any("#known#" in pk for pk in world.aws.dynamodb.items))

    world.platform.guard = look
    world.run(world.drop(table(people(2))))
    assert seen
    assert all(seen)
    (record,) = (item for pk, item in world.aws.dynamodb.items.items() if "#known#" in pk)
    assert (record["audience"]["S"], record["connector"]["S"]) == ("vip", world.name)
    assert "claimed_at" in record
    assert "expires_at" not in record
