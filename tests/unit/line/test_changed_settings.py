"""Settings that are deployed while a run goes on: it reads its drop to the end as it began to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from activation.identifiers.table import Context
from activation.runs.settings import FunctionSettings

from tests.unit.line.platform import Fault
from tests.unit.line.world import Crashed, World, people

Make = Callable[..., World]
NOBODY = "test@test.com"


def _other_placeholders(settings: FunctionSettings) -> FunctionSettings:
    return replace(settings, context=Context("", frozenset({NOBODY})))


def _other_delimiter(settings: FunctionSettings) -> FunctionSettings:
    return replace(settings, delimiter=";", encoding="latin-1")


@pytest.mark.parametrize("change", [_other_placeholders, _other_delimiter])
def test_rows_acknowledged_ahead_of_a_crash_are_found_again(
    make_world: Make, change: Callable[[FunctionSettings], FunctionSettings]
) -> None:
    """A worker dies with one batch in flight and a later one acknowledged, and the next one has other settings."""
    world = make_world(max_rows=4, in_flight=2)
    emails = [*people(3), NOBODY, *people(3, start=10), "other@test.com", *people(4, start=20)]
    later = Event()

    def die() -> None:
        later.wait(5)
        time.sleep(0.05)  # until the one that acknowledged it has let go of it
        world.aws.fuse.blown = True
        raise Crashed

    def watch(name: str, call: Mapping[str, Any]) -> None:
        values = call["ExpressionAttributeValues"] if name == "update_item" else {}
        if (
            ":progress" in values
            and json.loads(values[":progress"]["S"])["checkpoint"]["ahead"]
            and not later.is_set()
        ):
            world.settings = change(world.settings)
            later.set()

    world.aws.after.append(watch)
    world.platform.faults.append(Fault(act=die))
    world.run(world.drop("email|note\n" + "".join(f"{one}|a;b\n" for one in emails)))
    assert world.crashes == 1
    receipt = world.check(*emails)
    assert receipt["rows"]["in"] == receipt["rows"]["acknowledged"] == 12


def test_a_drop_that_was_refused_is_read_by_the_settings_that_mend_it(make_world: Make) -> None:
    """As long as nothing of it could be read, there is nothing to go on with."""
    world = make_world()
    world.run(world.drop("email\tnote|\n" + "".join(f"{one}\tx\n" for one in people(5)), file="people.tsv"))
    world.check(*people(5))
    world = make_world()
    world.settings = replace(world.settings, delimiter="|")
    world.restart()
    world.run(world.drop("email,note\n" + "".join(f"{one},x\n" for one in people(5))))
    assert world.receipt()["state"] == "failed"
    world.settings = replace(world.settings, delimiter="")
    world.restart()
    world.redrive()
    world.run()
    world.check(*people(5))
