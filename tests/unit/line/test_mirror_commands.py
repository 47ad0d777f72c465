"""What a stopped mirror says: each command can be pasted, with the connector and the audience in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.line.mirrors import Make, deliver, kept, mirror, mirror_world
from tests.unit.line.platform import Fault
from tests.unit.line.world import World, people, table
from tests.unit.parsed_commands import parsed

COMMAND = re.compile(r"`(activation [^`]*)`")
AUDIENCE = "vip"


def lose_state(world: World) -> None:
    """Delete what the audience was sent."""
    for name in kept(world):
        world.aws.s3.delete_object(Bucket="mirrors", Key=name)
    deliver(world, people(9))


def lose_audience(world: World) -> None:
    """Delete the audience at the platform."""
    world.platform.audiences.clear()
    deliver(world, people(9))


def change_audience(world: World) -> None:
    """Put another audience of the same name in its place."""
    world.platform.audiences[AUDIENCE] = "another"
    deliver(world, people(9))


def halve(world: World) -> None:
    """Drop half of the people."""
    deliver(world, people(5))


def add(world: World) -> None:
    """Add somebody to the mirrored audience."""
    world.run(world.event(world.put(table(people(1)), f"{world.name}/{AUDIENCE}/raw/add/one.csv")))


def drop_a_file(world: World) -> None:
    """Drop a mirror that is no folder."""
    world.run(world.event(world.put(table(people(9)), f"{world.name}/{AUDIENCE}/raw/mirror/people.csv")))


def remove_meanwhile(world: World) -> None:
    """Remove somebody while a mirror is stopped."""
    world.platform.faults.append(Fault(status=403))
    world.run(*mirror(world, people(12)))
    letters = world.take_dead_letters()
    world.run(world.event(world.put(table(people(1)), f"{world.name}/{AUDIENCE}/raw/remove/one.csv")))
    world.send(*(one["Body"] for one in letters))
    world.run()


STOPS: dict[str, tuple[Callable[[World], None], str]] = {
    "state_lost": (lose_state, "audiences reset"),
    "audience_missing": (lose_audience, "audiences reset"),
    "another_audience": (change_audience, "audiences reset"),
    "needs_approval": (halve, "audiences approve"),
    "mirrored_audience": (add, "drop"),
    "needs_folder": (drop_a_file, "drop"),
    "removed_since": (remove_meanwhile, "drop"),
}


@pytest.mark.parametrize("replaces", [False, True], ids=["difference", "replace"])
@pytest.mark.parametrize("stop", STOPS)
def test_a_sentence_names_commands_that_can_be_pasted(
    make_world: Make, stop: str, replaces: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program has each command, with all options that it needs, and the first helps with what has stopped."""
    cause, helps = STOPS[stop]
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(10))
    cause(world)
    code = "audience_missing" if stop == "another_audience" else stop
    (receipt,) = [one for one in world.receipts() if (one["reason"] or {}).get("code") == code]
    found = check_commands(receipt, tmp_path, monkeypatch)
    assert found[0].startswith(f"activation {helps} ")
    by = [one.rpartition(" ")[2] for one in found if " --by " in one]
    assert replaces or "replace" not in by  # the platform of these worlds would refuse it


def test_an_audience_of_others_names_the_command_that_adopts_it(
    make_world: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was there before the app."""
    world = mirror_world(make_world)
    world.platform.audiences[AUDIENCE] = "theirs"
    receipt = deliver(world, people(5))
    assert receipt["reason"]["code"] == "audience_not_ours"
    assert check_commands(receipt, tmp_path, monkeypatch)[0].startswith("activation audiences adopt ")


def check_commands(receipt: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Assert that the program takes all commands of a receipt's sentence, and return them."""
    monkeypatch.chdir(folder)
    (folder / "people.csv").write_text("")
    found = COMMAND.findall(receipt["reason"]["sentence"])
    for command in found:
        given = parsed(command)
        assert given.get("connector", receipt["connector"]) == receipt["connector"]
        assert given.get("audience", AUDIENCE) == AUDIENCE
        assert (given.get("run") or receipt["run_id"]) == receipt["run_id"]  # a redrive of all names no run
    return found
