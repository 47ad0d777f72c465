"""A small drop takes few calls of AWS, and no fewer where there is something to find out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest
from activation.aws.table import ConditionalTable, Write
from activation.aws.transactions import NotWritten, write_all
from activation.drops.messages import Work, read
from activation.ledger.keys import (
    audience_key,
    folder_key,
    known_audience_key,
    mirror_key,
    options_key,
    order_key,
    run_key,
)
from activation.runs.location import located
from activation.runs.plain_start import PlainStart, is_fresh

from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import ACCOUNT, World, people, table

Make = Callable[..., World]
# A run's beginning, its intent before the first upload, the acknowledgement, and its end; the rest is no ledger's.
CALLS = {
    "transact_write_items": 2,
    "update_item": 2,
    "get_object": 2,
    "put_object": 2,  # the receipt, and its page
    "put_events": 1,
}


def begun(world: World) -> None:
    """Fill the audience once, long enough ago that the platform lists it."""
    world.run(world.drop(table(people(2)), file="before.csv"))
    world.clock.pass_s(3600)
    world.run(world.drop(table(people(2)), file="again.csv"))


def calls_of(world: World, body: str) -> Counter[str]:
    """Return the AWS calls that the function makes for a message, without those to the platform."""
    world.aws.fuse.set(0)
    world.handle(body)
    return Counter(name for name in world.aws.fuse.trace if not name.endswith("begins"))


def work_of(world: World, body: str) -> tuple[Work, str]:
    """Return a message as the function reads it, and its run's id."""
    work = read(body, origins=world.settings.origins, account=ACCOUNT)
    return work, work.run_id(world.name)


def lock_of(world: World) -> str:
    """Return the key of the lock of the drop's audience."""
    return audience_key("tiny", world.name, "vip")


def test_a_small_drop_takes_nine_calls(world: World) -> None:
    """Its record, lock and notes are written in two transactions, its file is read once, and nothing is listed."""
    begun(world)
    assert calls_of(world, world.drop(table(people(3)))) == CALLS
    assert sorted(one["rows"]["acknowledged"] for one in world.receipts()) == [2, 2, 3]


@pytest.mark.parametrize(
    ("waited_s", "between_s", "looks"),
    [(5.0, 0.0, 1), (5.0, 0.5, 1), (5.0, 1.1, 2), (2.0, 0.0, 1), (1.9, 0.0, 2)],
    ids=["at once", "soon", "later", "put before", "put perhaps after"],
)
def test_the_next_of_many_small_drops_takes_one_call_less(
    world: World, waited_s: float, between_s: float, looks: int
) -> None:
    """No file of options that was put before a drop can be missed by a look that came after the drop."""
    begun(world)
    world.clock.pass_s(-world.clock() % 1)  # an event says whole seconds
    bodies = [world.drop(table(people(3)), file=f"{number}.csv") for number in range(2)]
    world.clock.pass_s(waited_s)
    assert calls_of(world, bodies[0])["get_object"] == CALLS["get_object"]
    world.clock.pass_s(between_s)
    assert calls_of(world, bodies[1])["get_object"] == looks


def test_a_file_of_options_that_is_put_before_a_drop_is_read(world: World) -> None:
    """Also where a drop that was put long before it has just been looked for such a file."""
    begun(world)
    before = world.drop(table(people(3)), file="before-options.csv")
    world.clock.pass_s(60)
    world.handle(before)
    world.put(json.dumps({"description": "Best customers"}), f"{world.name}/vip/_audience.json")
    world.handle(world.drop(table(people(3)), file="after-options.csv"))
    said = {one["drop"]["key"]: one["audience"].get("options") for one in world.receipts()}
    assert said[f"{world.name}/vip/raw/after-options.csv"] == {"description": "Best customers"}
    assert said[f"{world.name}/vip/raw/before-options.csv"] is None


def test_rejected_rows_are_listed_without_asking_for_them(world: World) -> None:
    """A worker that is alone with its run knows what it has written, and the list is whole."""
    begun(world)
    made = calls_of(world, world.drop("email\nnobody\nada@example.com\n", file="rejects.csv"))
    assert "list_objects_v2" not in made
    receipt = next(one for one in world.receipts() if one["rejects_key"])
    assert [row for row, _, _ in world.rejects(receipt)] == ["1"]
    assert world.stored_parts() == 0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 14))
def test_a_crash_at_any_call_of_a_small_drop_costs_no_row(make_world: Make, at: int, after: bool) -> None:
    """Whichever write it was, alone or in a transaction, the run comes to its end once, and frees its audience."""
    world = make_world()
    begun(world)
    body = world.drop(table(people(3, start=10)), file="small.csv")
    world.aws.fuse.set(at, after=after)
    world.run(body)
    assert {one["state"] for one in world.receipts()} == {"applied"}
    assert sum(one["rows"]["acknowledged"] for one in world.receipts()) == 7
    assert world.platform.resent <= world.crashes + 1  # the two files before hold the same people
    record = world.aws.dynamodb.items[lock_of(world)]
    assert float(record["lease_until"]["N"]) == 0.0
    assert not [error for error in world.failures if type(error).__name__ == "AssertionError"]


def _another_run(world: World, items: dict[str, Any], body: str) -> None:
    _, run_id = work_of(world, body)
    items[run_key(world.name, run_id)] = {"pk": {"S": "any"}}


def _another_holder(world: World, items: dict[str, Any], _: str) -> None:
    until = {"N": str(world.clock() + 60)}
    items[lock_of(world)] = {**items[lock_of(world)], "lease_token": {"S": "another"}, "lease_until": until}


def _somebody_waited(world: World, items: dict[str, Any], _: str) -> None:
    items[lock_of(world)] = {**items[lock_of(world)], "joined": {"N": "1"}}


def _mirrored(world: World, items: dict[str, Any], _: str) -> None:
    items[mirror_key(lock_of(world))] = {"pk": {"S": "any"}}


def _kept_options(world: World, items: dict[str, Any], _: str) -> None:
    items[options_key(world.name, "vip")] = {"pk": {"S": "any"}}


def _ordered(world: World, items: dict[str, Any], body: str) -> None:
    _, run_id = work_of(world, body)
    items[order_key(world.name, run_id)] = {"pk": {"S": "any"}}


def _folder(world: World, items: dict[str, Any], _: str) -> None:
    items[folder_key(world.name, "drops", f"{world.name}/vip/raw/", "")] = {"pk": {"S": "any"}}


def _new_audience(world: World, items: dict[str, Any], _: str) -> None:
    key = known_audience_key(lock_of(world))
    created = {"created_at": {"N": str(world.clock() - 5)}, "created_by": {"S": "another"}}
    items[key] = {**items[key], **created}


OF_THE_RUN = [_another_run, _ordered, _folder]
OF_THE_AUDIENCE = [_another_holder, _somebody_waited, _mirrored, _kept_options, _new_audience]


@pytest.mark.parametrize("find", [*OF_THE_RUN, *OF_THE_AUDIENCE])
def test_where_there_is_something_to_find_nothing_is_written_at_once(
    world: World, find: Callable[[World, dict[str, Any], str], None]
) -> None:
    """The run begins step by step then, and each step finds what it finds."""
    begun(world)
    world.restart()  # a process that remembers nothing
    body = world.drop(table(people(3)))
    items = world.aws.dynamodb.items
    find(world, items, body)
    before = deepcopy(items)
    work, run_id = work_of(world, body)
    connector = world.connector.connector
    assert PlainStart(connector).begin(work, run_id, located(connector, work)) is None
    assert items == before


@pytest.mark.parametrize(
    "more",
    [
        {"time": "2001-01-01T00:00:00Z"},
        {"time": ""},
        {"time": "yesterday"},
        {"replay-name": "again"},
        {"again": "1"},
        {"ad_account": "other"},
    ],
)
def test_only_the_first_event_of_a_drop_begins_at_once(world: World, more: Mapping[str, str]) -> None:
    """Of others, a receipt may tell what the ledger has forgotten, or a further run of it has to be noted."""
    begun(world)
    body = json.dumps(json.loads(world.drop(table(people(3)))) | more)
    work, run_id = work_of(world, body)
    connector = world.connector.connector
    assert is_fresh(connector, work) == ("ad_account" in more)
    assert PlainStart(connector).begin(work, run_id, located(connector, work)) is None


def test_a_run_that_began_to_wait_meanwhile_is_woken(world: World) -> None:
    """The end in one transaction fails where the lock's record has changed, and the lock is handed over then."""
    begun(world)
    lock = lock_of(world)
    joined: list[str] = []

    def join(name: str, named: Mapping[str, Any]) -> None:
        items = world.aws.dynamodb.items
        if name == "put_events" and not joined:
            joined.append(name)
            items[lock] = {**items[lock], "joined": {"N": "1"}, "waiter:late": {"N": "1"}}

    world.aws.before.append(join)
    world.handle(world.drop(table(people(3)), file="small.csv"))
    record = world.aws.dynamodb.items[lock]
    assert record["lease_token"] == {"S": "late"}
    assert "waiter:late" not in record
    assert {one["state"] for one in world.receipts()} == {"applied"}


def test_several_writes_are_made_together_or_not_at_all(aws: Aws) -> None:
    """A condition of one of them keeps all of them from being written, also one that is only checked."""
    ledger = ConditionalTable(aws.dynamodb, "ledger")
    one, other = (
        Write(f"both#{at}", "SET a = :a", {":a": {"S": "1"}}, "attribute_not_exists(pk)") for at in (1, 2)
    )
    write_all(ledger, [one, Write("both#3", "", {}, "attribute_not_exists(pk)")])
    with pytest.raises(NotWritten):
        write_all(ledger, [other, one])
    with pytest.raises(NotWritten):
        write_all(ledger, [other, Write("both#1", "", {}, "attribute_not_exists(pk)")])
    assert ledger.read("both#1") == {"pk": {"S": "both#1"}, "a": {"S": "1"}}
    assert ledger.read("both#2") is None
    assert ledger.read("both#3") is None
