"""Runs in which nothing goes wrong but the rows."""

from __future__ import annotations

import gzip
import io
import json
import logging
from collections.abc import Callable, Mapping

import pytest
from activation.identifiers.table import Context
from activation.ledger.runs import RunState

from tests.unit.line.platform import hashed
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


def test_every_row_arrives_once_and_is_accounted_for(world: World) -> None:
    """A clean file fills its audience, and the receipt adds up."""
    emails = people(8)
    body = world.drop(table(emails))
    world.run(body)
    receipt = world.check(*emails)
    assert receipt["rows"] == {
        "in": 8,
        "read": 8,
        "acknowledged": 8,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
    }
    assert receipt["audience"] == {"name": "vip", "id": "a1", "created": True}
    assert receipt["batches"] == 3
    assert receipt["rejects_key"] is None
    assert receipt["account"] == world.name
    assert receipt["drop"]["format"] == "csv"
    assert receipt["columns"] == {"used": {"email": "EMAIL"}, "ignored": []}
    assert world.platform.calls == {"find": 1, "create": 1, "users": 3}
    assert world.run_of(body).state is RunState.APPLIED
    assert [one["DetailType"] for one in world.events] == ["Activation Completed"]
    assert world.events[0]["Detail"]["rows"] == receipt["rows"]


def test_rejected_rows_are_listed_by_number_and_code_and_never_by_value(world: World) -> None:
    """A row is rejected when no cell of it names a person; the list says why, cell by cell."""
    rows = [
        "Email,spare,shoe size",
        "person1@example.com,,42",
        "nobody,else,41",
        ",,",
        "person2@example.com,oops,40",
    ]
    text = "".join(f"{row}\n" for row in [*rows, "a,b,c,d"])
    world.run(world.drop(text))
    receipt = world.receipt()
    world.check_sums(receipt)
    assert receipt["rejected_by_us"] == {"not_an_email": 1, "no_identifier": 1, "ragged_row": 1}
    assert receipt["rows"]["acknowledged"] == 2
    assert receipt["cells_left_out"] == {"SPARE": {"not_an_email": {"cells": 1, "first_rows": [4]}}}
    assert receipt["columns"] == {"used": {"Email": "EMAIL", "spare": "SPARE"}, "ignored": ["shoe size"]}
    assert world.rejects() == [
        ("2", "EMAIL", "not_an_email"),
        ("2", "SPARE", "not_an_email"),
        ("3", "", "no_identifier"),
        ("5", "", "ragged_row"),
    ]
    assert world.stored_parts() == 0


def test_rows_that_may_not_share_a_request_are_sent_apart(world: World) -> None:
    """The groups of a span are requests of their own, and the span ends when all of them have."""
    rows = [(one, f"c{at}" if at % 3 else "") for at, one in enumerate(people(7))]
    world.run(world.drop("email,customer_id\n" + "".join(f"{one},{key}\n" for one, key in rows)))
    receipt = world.receipt()
    world.check_sums(receipt)
    assert receipt["batches"] == 5
    assert set(world.platform.members) == {(hashed(one), key or None) for one, key in rows}


@pytest.mark.parametrize("text", ["", "email\n", "\n\n", "email"])
def test_a_file_without_rows_is_a_run_that_did_nothing(world: World, text: str) -> None:
    """An empty file and one with a header alone are answered with a receipt, not with a call."""
    body = world.drop(text)
    world.run(body)
    receipt = world.receipt()
    assert (receipt["state"], receipt["rows"]["in"]) == ("empty", 0)
    assert world.platform.calls == {}
    assert world.events[0]["DetailType"] == "Activation Completed"
    assert world.dead_codes() == []


def test_a_file_that_calls_itself_empty_but_is_not_is_read(world: World) -> None:
    """The object's size is S3's to say, not the message's."""
    emails = people(2)
    item = world.put(table(emails), f"{world.name}/vip/raw/people.csv")
    world.run(world.event(item | {"size": 0}))
    assert set(world.platform.members) == {(hashed(one),) for one in emails}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("shoe size,colour\n42,red\n", "no_usable_column"),
        ("email\nnobody\nelse\n", "all_rows_rejected"),
        ("<!DOCTYPE html><html></html>", "html_page"),
    ],
)
def test_a_file_that_can_never_succeed_fails_at_once(world: World, text: str, code: str) -> None:
    """It has a failed receipt with its code and an event, and no dead letter; nothing is sent."""
    body = world.drop(text)
    world.run(body)
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", code)
    assert receipt["reason"]["sentence"]
    assert [one["DetailType"] for one in world.events] == ["Activation Failed"]
    assert (world.take_dead_letters(), world.wrong_codes()) == ([], [code])
    assert world.platform.calls == {}
    if code == "all_rows_rejected":
        assert receipt["reason"]["sentence"].startswith("every row was rejected: not_an_email 2;")
        world.check_sums(receipt)
        assert receipt["rows"]["in"] == 2
        assert len(world.rejects()) == 2


def test_a_truncated_file_keeps_what_was_sent_and_fails_with_the_count(world: World) -> None:
    """What was acknowledged before the break stays acknowledged; how many rows the file has is not claimed."""
    emails = people(50)
    data = gzip.compress(table(emails).encode(), compresslevel=0)
    world.run(world.event(world.put(data[: len(data) // 2], f"{world.name}/vip/raw/people.csv")))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "truncated_gzip")
    assert receipt["rows"]["in"] is None
    assert receipt["rows"]["acknowledged"] == receipt["rows"]["read"] == world.platform.members.total() > 0


def test_a_list_of_hashes_is_passed_on(world: World) -> None:
    """A single-column drop has no header, and its digests are checked, not hashed again."""
    emails = people(4)
    lines = [hashed(one) for one in emails] + [hashed(emails[0])[:32]]
    world.run(world.drop("\n".join(lines), kind="Email_SHA256"))
    receipt = world.check(*emails)
    assert receipt["drop"]["identifiers"] == "email_sha256"
    assert world.rejects() == [("5", "EMAIL", "hash_md5")]


def test_one_value_in_clear_stops_a_hashed_drop(world: World) -> None:
    """A hashed drop with a plaintext value anywhere ends before its first request; the sentence names the row."""
    lines = [hashed(one) for one in people(20)] + ["person@example.com"]
    world.run(world.drop("\n".join(lines), kind="email_sha256"))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "clear_text")
    assert "row 21" in receipt["reason"]["sentence"]
    assert "person@" not in str(receipt)
    assert not world.platform.members


def test_placeholders_of_the_settings_are_nobody(make_world: Make) -> None:
    """What the settings call nobody is left out, with a code of its own."""
    world = make_world(context=Context(placeholders=frozenset({"person2@example.com"})))
    world.run(world.drop(table(people(3))))
    world.check("person1@example.com", "person3@example.com")
    assert world.rejects() == [("2", "EMAIL", "placeholder")]


def test_a_removal_removes(world: World) -> None:
    """The action of the key reaches the publisher."""
    world.run(world.drop(table(people(2)), kind="raw/remove"))
    assert set(world.platform.members.values()) == {-1}
    assert world.receipt()["action"] == "remove"


def told(world: World, logs: io.StringIO) -> dict[str, str]:
    """Return what can be seen of a world's runs by its place; the drops and the platform have people by right."""
    records = {key: item for key, item in world.aws.dynamodb.items.items() if world.name in key}
    stored = {key: body for (bucket, key), body in world.aws.s3.objects.items() if bucket == "receipts"}
    return {
        "log": logs.getvalue(),
        "event": str(world.events),
        "dead letter": str(world.take_dead_letters()),
        "record": str(records),
        "receipt": str({key: body for key, body in stored.items() if world.name in key}),
    }


def found(seen: Mapping[str, str], emails: list[str]) -> set[str]:
    """Return the places that hold an address, a part of one or its digest."""
    secrets = ["canary", "person", "@", *(hashed(one) for one in emails)]
    return {place for place, text in seen.items() if any(one in text for one in secrets)}


def test_nothing_that_is_kept_or_logged_holds_a_person(world: World, logs: io.StringIO) -> None:
    """Neither the ledger nor receipts, rejects, events, dead letters and logs hold an address or its hash."""
    emails = people(6)
    world.platform.refuses = {hashed(emails[3])}
    world.run(world.drop(table([*emails, "canary at example"])), world.drop("canary at example,b\n1,2\n"))
    world.run(world.drop("canary at example,b\n1,2\n", kind="emails"))  # its letter stays: the key names no run
    seen = told(world, logs)
    assert '"rows_acknowledged":5' in seen["log"]
    assert all(world.name in text for place, text in seen.items() if place != "log")
    assert found(seen, emails) == set()


@pytest.mark.parametrize("what", ["canary at example", "person3", "@", hashed("person3@example.com")])
def test_the_search_for_people_finds_one_in_each_place(world: World, logs: io.StringIO, what: str) -> None:
    """Somebody who is planted in a log, an event, a dead letter, a record or a receipt is found there alone."""
    emails = people(6)
    world.run(world.drop(table(emails)))
    assert found(told(world, logs), emails) == set()
    aws, text = world.aws, f"about {what}"
    places: dict[str, Callable[[], object]] = {
        "event": lambda: aws.events.put_events(Entries=[{"Detail": json.dumps({"is": text})}]),
        "dead letter": lambda: aws.sqs.send_message(QueueUrl=world.dead_url, MessageBody=text),
        "log": lambda: logging.getLogger("line").warning(text),
        "record": lambda: aws.dynamodb.items.update({f"{world.name}#planted": {"is": {"S": text}}}),
        "receipt": lambda: aws.s3.put_object(Bucket="receipts", Key=f"{world.name}.json", Body=text.encode()),
    }
    assert places.keys() == told(world, logs).keys()
    for place, plant in places.items():
        world.events.clear()
        logs.truncate(logs.seek(0))
        aws.dynamodb.items.pop(f"{world.name}#planted", None)
        plant()
        assert found(told(world, logs), emails) == {place}
