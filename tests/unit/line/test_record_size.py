"""The ledger's record is written with every batch, and stays small whatever the file and the platform do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import pytest
from activation.ledger.progress import Progress

from tests.unit.line.platform import Fault
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


def test_a_request_that_hangs_holds_up_the_others_in_the_end(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is acknowledged beyond the batch that is late is bounded, and nothing of it is sent again."""
    monkeypatch.setattr("activation.pipeline.sending.AHEAD_MAX", 20)
    world = make_world(max_rows=1, in_flight=3)
    ahead: list[int] = []
    enough = Event()

    def watch(name: str, call: Mapping[str, Any]) -> None:
        if name == "update_item" and ":progress" in call["ExpressionAttributeValues"]:
            progress = Progress.from_json(call["ExpressionAttributeValues"][":progress"]["S"])
            ahead.append(len(progress.checkpoint.ahead))
            if ahead[-1] > 100:
                enough.set()

    world.aws.before.append(watch)

    def hang() -> None:
        enough.wait(0.5)

    world.platform.faults.append(Fault(act=hang))
    world.run(world.drop(table(people(200))))
    world.check(*people(200))
    assert 20 <= max(ahead) < 20 + 3
    assert world.platform.calls["users"] == 200


def test_a_very_wide_file_names_some_of_its_columns_only(make_world: Make) -> None:
    """Those that are not used are named as far as anybody would read on."""
    world = make_world()
    names = [f"an attribute of the customer {chr(97 + at % 26)}{at % 1000} {at // 1000}" for at in range(1_900)]
    body = world.drop(";".join(["email", *names]) + "\n" + "ada@example.com" + ";" * 1_900 + "\n")
    world.run(body)
    receipt = world.check("ada@example.com")
    assert len(receipt["columns"]["ignored"]) == 101
    assert receipt["columns"]["ignored"][-1] == "and 1800 more"
    assert len(world.aws.dynamodb.items[world.run_of(body).pk]["progress"]["S"]) < 10_000


def test_a_file_with_very_many_addresses_a_row_names_some_of_its_columns_only(make_world: Make) -> None:
    """All are read, since any may hold a row's first address, and the first hundred are named."""
    world = make_world()
    body = world.drop(",".join(["email"] * 1_900) + "\n" + "," * 1_899 + "ada@example.com\n")
    world.run(body)
    used = world.check("ada@example.com")["columns"]["used"]
    assert len(used) == 101
    assert used["and 1800 more"] == "EMAIL"
    assert len(world.aws.dynamodb.items[world.run_of(body).pk]["progress"]["S"]) < 10_000


@pytest.mark.parametrize("name", ["Признак покупателя из выгрузки", "Телефон", "Штат", "Согласие на рассылку"])
def test_a_header_in_cyrillic_is_no_larger_in_the_record(make_world: Make, name: str) -> None:
    """Two thousand columns fit, whatever is made of them: unused, used, proposed or asked about.

    A DynamoDB item takes at most 400 KB:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html, read 2026-11-29
    """
    world = make_world()
    names = [f"{name} {at}" for at in range(1_999)]
    body = world.drop(";".join(["email", *names]) + "\n" + "ada@example.com" + ";да" * 1_999 + "\n")
    world.run(body)
    assert world.receipts()
    record = world.aws.dynamodb.items[world.run_of(body).pk]
    assert len(json.dumps(record, ensure_ascii=False).encode()) < 100_000
