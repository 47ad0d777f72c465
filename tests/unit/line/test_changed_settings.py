"""Settings that are deployed while a run goes on: it reads its drop to the end as it began to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from activation.identifiers import births
from activation.identifiers.table import Context, Digest, Field
from activation.ledger.progress import Progress
from activation.runs.settings import FunctionSettings

from tests.unit.line import tiny_publisher
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.tiny_publisher import SOURCE, TABLE
from tests.unit.line.watched_aws import Crashed
from tests.unit.line.world import World, people

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
            and Progress.from_json(values[":progress"]["S"]).checkpoint.ahead
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


@pytest.mark.parametrize("split_above_bytes", [0, 200])
def test_the_first_rows_say_the_order_of_all_dates(
    make_world: Make, monkeypatch: pytest.MonkeyPatch, split_above_bytes: int
) -> None:
    """Later invocations and parts read dates as the file's beginning shows, which their own rows do not."""
    month = Field("SPARE", births.MONTH, Digest.SHA256_HEX, SOURCE, "2026-11-29", ("dob",), identifies=True)
    monkeypatch.setattr(tiny_publisher, "TABLE", replace(TABLE, fields=(*TABLE.fields[:2], month)))
    world = make_world(max_rows=4, in_flight=1)
    world.settings = replace(world.settings, split_above_bytes=split_above_bytes, max_parts=4)
    world.restart()
    world.platform.faults.append(Fault(skip=2, status=503, times=9))
    rows = [f"{one},{'12/31/1979' if at == 0 else '05/06/1980'}\n" for at, one in enumerate(people(40))]
    body = world.drop("email,dob\n" + "".join(rows))
    world.run(body)
    receipt = world.receipt()
    assert receipt["rows"]["acknowledged"] == receipt["identifiers"]["SPARE"] == 40
    assert receipt["continuations"] > 0
    assert receipt.get("parts", 1) == (4 if split_above_bytes else 1)
    assert receipt["cells_left_out"] == {}
    assert receipt["date_order"] == "mdy"
    cells = {cell for member in world.platform.members for cell in member}
    assert hashed("05") in cells
    assert hashed("06") not in cells
