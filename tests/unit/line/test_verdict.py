"""The warnings beside the sums: the same in a plan, a receipt, the ledger and the event, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from activation.drops.locate import locate
from activation.drops.source import BytesSource
from activation.ledger.runs import RunState
from activation.model import Action

from cli.connectors import NamedConnector
from cli.dry_run import DryRun
from cli.verdict import warnings
from tests.unit.line.tiny_publisher import TABLE, platform_of
from tests.unit.line.watched_aws import Crashed
from tests.unit.line.world import World, people, table

Make = Callable[..., World]

MAILS = "".join(f"a.{place}@example.com,\n" for place in range(20))
FILES = {
    "good": "email,note\n" + MAILS,
    "repeated": "email,note\n" + "one@example.com,\n" * 20,
    "rejected": "email,note\n" + MAILS + "nobody,\n" * 9,
    "left out": "email,spare\n" + "".join(f"a.{place}@example.com,nobody\n" for place in range(20)),
    "empty": "email,note\n",
    "weak": "customer_id,spare\n" + "".join(f"{place},b.{place}@example.com\n" for place in range(20)),
    "unused": "email,Contact\n" + "".join(f"a.{place}@example.com,b.{place}@example.com\n" for place in range(20)),
}
EXPECTED = {
    "good": [],
    "repeated": ["rows_repeat"],
    "rejected": ["rows_rejected"],
    "left out": ["cells_left_out"],
    "empty": ["no_rows"],
    "weak": ["no_strong_identifier"],
    "unused": ["unused_identifiers"],
}
REFUSED = ("weak", "unused")


def planned(world: World, text: str, *, allow_weak: bool) -> list[dict[str, str]]:
    """Return the warnings of a plan of the same file."""
    located = locate(f"{world.name}/vip/raw/a.csv", connector=world.name, table=TABLE, actions={Action.ADD})
    connector = NamedConnector(world.name, platform_of(world.limits), {"allow_weak": allow_weak})
    run = DryRun(located=located, connector=connector, context=world.settings.context)
    return [asdict(one) for one in warnings(run, run.over(BytesSource(text.encode())))]


def in_ledger(world: World, body: str) -> list[dict[str, str]]:
    """Return the warnings that the run's record keeps, from which `status` shows them."""
    return [asdict(one) for one in world.run_of(body).progress.warnings]


def allowed(world: World) -> None:
    """Let weak drops through."""
    world.settings = replace(world.settings, allow_weak=True)
    world.restart()


@pytest.mark.parametrize("name", FILES)
def test_all_four_say_the_same(world: World, name: str) -> None:
    """The plan, the receipt, the record behind `status` and the event have one list, in codes and sentences."""
    allowed(world)
    body = world.drop(FILES[name])
    world.run(body)
    receipt, (event,) = world.receipt(), world.events
    assert receipt["state"] == ("empty" if name == "empty" else "applied")
    assert [one["code"] for one in receipt["warnings"]] == EXPECTED[name]
    assert receipt["warnings"] == event["Detail"]["warnings"] == in_ledger(world, body)
    assert receipt["warnings"] == planned(world, FILES[name], allow_weak=True)


@pytest.mark.parametrize("name", REFUSED)
def test_a_weak_drop_is_refused_before_anything_is_sent(world: World, name: str) -> None:
    """No call reaches the platform; the reason names the columns, and the warnings say the same as the plan's."""
    world.run(world.drop(FILES[name]))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", EXPECTED[name][0])
    assert not world.platform.calls
    assert receipt["warnings"] == planned(world, FILES[name], allow_weak=False)
    assert (world.dead_codes(), world.wrong_codes()) == ([], EXPECTED[name])
    sentence = receipt["reason"]["sentence"]
    assert "allow_weak" in sentence
    if name == "unused":
        assert '--map "Contact=email"' in sentence
        assert '{"Contact": "email"}' in sentence
    assert "example.com" not in json.dumps(receipt)


def test_a_refused_drop_is_sent_once_it_is_allowed(world: World) -> None:
    """A redrive after the setting has changed goes through: nothing had been sent."""
    world.run(world.drop(FILES["unused"]))
    allowed(world)
    world.redrive()
    world.run()
    assert world.receipt()["state"] == "applied"
    assert world.receipt()["rows"]["acknowledged"] == 20


def test_a_run_that_has_begun_is_not_refused(make_world: Make) -> None:
    """The setting may change between two invocations: what is half sent is sent to its end."""
    world = make_world(max_rows=3)
    allowed(world)
    world.aws.fuse.set(25)
    world.send(world.drop(FILES["unused"]))
    with pytest.raises(Crashed):
        world.handle(world.queue[0].body)
    assert world.platform.calls["users"]
    world.aws.fuse.set(0)
    world.settings = replace(world.settings, allow_weak=False)
    world.restart()
    world.clock.pass_s(1800)
    world.run()
    assert world.receipt()["state"] == "applied"


@pytest.mark.parametrize("weak", [False, True])
def test_the_parts_of_a_large_file_agree(make_world: Make, weak: bool) -> None:
    """Its run judges once, before a part is sent; the parts neither judge nor sample, and the sums are whole."""
    world = make_world(max_rows=50)
    rows = [f"a.{place}@example.com,b.{place}@example.com\n" for place in range(2_000)]
    header = "email,Contact\n" if weak else "email,spare\n"
    world.settings = replace(world.settings, split_above_bytes=20_000, max_parts=4)
    world.restart()
    body = world.drop(header + "".join(rows))
    world.run(body)
    receipt = world.receipt()
    if weak:
        assert receipt["reason"]["code"] == "unused_identifiers"
        assert not world.platform.calls
        return
    assert (receipt["state"], receipt["parts"]) == ("applied", 4)
    assert receipt["warnings"] == in_ledger(world, body) == []
    run_id = world.run_of(body).pk.rsplit("#", 1)[-1]
    parts: list[Any] = [world.ledger().read(run_id, part) for part in range(4)]
    assert {part.progress.plan.sample for part in parts} == {None}


def test_an_interim_receipt_says_nothing_of_the_whole_file(make_world: Make) -> None:
    """While rows are missing nobody knows whether the audience is small."""
    world = make_world(max_rows=1)
    world.budget_s = 81.0
    world.send(world.drop(table(people(9))))
    assert world.handle(world.queue.pop(0).body) is RunState.RUNNING
    assert world.receipt()["warnings"] == []


def test_a_key_that_names_somebody_is_in_the_receipt(world: World) -> None:
    """Its code is in the list, and what the key holds is not in the sentence."""
    world.run(world.drop(table(people(2)), file="sabine_mueller.csv"))
    found = {one["code"]: one["sentence"] for one in world.receipt()["warnings"]}
    assert "sabine" not in found["key_names_person"]
