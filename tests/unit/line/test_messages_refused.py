"""Messages that are no drop of this connector: refused with a code, and never acknowledged silently."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from activation.aws.table import ConditionalTable
from activation.drops.messages import Work
from activation.ledger.orders import OrderKind, Orders
from activation.ledger.runs import RunState
from activation.model import Drop

from tests.unit.line.world import ACCOUNT, World, people, table


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda event: "{not json", "not_json"),
        (lambda event: "[" * 100_000, "not_json"),
        (lambda event: "[]", "not_understood"),
        (lambda event: '"text"', "not_understood"),
        (lambda event: json.dumps(event | {"source": "me"}), "not_understood"),
        (lambda event: json.dumps(event | {"detail-type": "Object Deleted"}), "not_understood"),
        (lambda event: json.dumps(event | {"detail": {"bucket": "drops"}}), "not_understood"),
        (lambda event: json.dumps(event | {"detail": "x"}), "not_understood"),
        (lambda event: json.dumps(event | {"account": "999999999999"}), "foreign_account"),
        (lambda event: json.dumps(_with(event, "bucket", {"name": "other"})), "foreign_bucket"),
        (lambda event: json.dumps(_with(event, "object", {"key": "k", "size": 1})), "no_version"),
        (lambda event: json.dumps(_with(event, "object", {"key": "k", "version-id": "null"})), "no_version"),
        (lambda event: json.dumps(_with(event, "object", {"key": "k", "size": float("inf")})), "not_understood"),
        (lambda event: json.dumps(_with(event, "object", {"key": "\ud800", "version-id": "1"})), "not_understood"),
        (lambda event: '{"detail-type": "Activation Continued", "drop": {}}', "not_understood"),
        (lambda event: Work(Drop("drops", "\ud800", "1", "", 5)).next_message(), "not_understood"),
    ],
)
def test_a_message_this_app_did_not_cause_is_a_dead_letter(world: World, change: object, code: str) -> None:
    """It goes to the dead letters as it is, with the code, and no run begins."""
    assert callable(change)
    body = change(json.loads(world.drop(table(people(1)))))
    assert world.handle(body) is RunState.FAILED
    (dead,) = world.take_dead_letters()
    assert dead["Body"] == body
    assert dead["MessageAttributes"]["code"]["StringValue"] == code
    assert world.receipts() == []
    assert world.platform.calls == {}


@pytest.mark.parametrize("file", ["_SUCCESS", ".hidden.csv", ""])
def test_a_tools_own_marker_is_no_drop(world: World, file: str) -> None:
    """Folders, Spark's marks and hidden files are passed over."""
    world.run(world.event(world.put("x", f"{world.name}/vip/raw/{file}")))
    assert (world.receipts(), world.events, world.take_dead_letters()) == ([], [], [])


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("{c}/people.csv", "wrong_depth"),
        ("{c}/vip/people.csv", "wrong_depth"),
        ("{c}//raw/people.csv", "empty_segment"),
        ("other/vip/raw/people.csv", "other_connector"),
        ("{c}/vip/emails/people.csv", "unknown_identifiers"),
        ("{c}/vip/raw/append/people.csv", "unknown_action"),
        ("{c}/vip/raw/replace/people.csv", "action_not_offered"),
    ],
)
def test_a_key_that_cannot_be_read_has_a_receipt_and_a_dead_letter(world: World, key: str, code: str) -> None:
    """The operator is told the layout; nothing is sent."""
    world.run(world.event(world.put(table(people(1)), key.format(c=world.name))))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", code)
    assert receipt["audience"]["name"] == "_unreadable"
    assert receipt["final"]
    assert world.dead_codes() == [code]
    (event,) = world.events
    assert event["DetailType"] == "Activation Failed"
    assert code in event["Detail"]["notice"]["why"]
    assert event["Detail"]["notice"]["what"].endswith(f"its key is {key.format(c=world.name)}")
    assert "_unreadable" not in event["Detail"]["notice"]["what"]
    (record,) = (item for pk, item in world.aws.dynamodb.items.items() if "#unread#" in pk)
    assert (record["code"]["S"], record["object_key"]["S"]) == (code, key.format(c=world.name))
    assert world.platform.calls == {}


def test_a_key_that_was_discarded_is_not_refused_again(world: World) -> None:
    """A replay, or a message that came twice, leaves no other dead letter and announces nothing."""
    body = world.event(world.put(table(people(1)), f"{world.name}/people.csv"))
    world.run(body)
    world.take_dead_letters()
    (run_id,) = (receipt["run_id"] for receipt in world.receipts())
    Orders(ConditionalTable(world.aws.dynamodb, "ledger"), world.name).note(
        run_id, OrderKind.DISCARD, "arn:aws:iam::1:user/ann"
    )
    world.run(body)
    assert (world.take_dead_letters(), len(world.events)) == ([], 1)


def test_keys_are_taken_as_they_are(world: World) -> None:
    """Spaces, plus, percent and other letters in a key are letters."""
    emails = people(2)
    world.run(world.drop(table(emails), audience="VIP été 2026+a%20b", file="größe 1+1.csv"))
    assert world.check(*emails)["audience"]["name"] == "VIP été 2026+a%20b"


def test_a_version_that_is_gone_fails_with_its_code(world: World) -> None:
    """A drop deleted before its message was read is no retry storm."""
    item = world.put(table(people(1)), f"{world.name}/vip/raw/people.csv")
    world.aws.s3.delete_object(Bucket="drops", Key=item["key"])
    world.run(world.event(item))
    assert world.receipt()["reason"]["code"] == "object_gone"
    assert world.handled == 1


def test_other_bytes_under_the_same_version_stop_the_run(world: World) -> None:
    """A run that began with other bytes sends nothing of these."""
    world.budget_s = 80.2
    item = world.put(table(people(9)), f"{world.name}/vip/raw/people.csv")
    world.handle(world.event(item))
    before = world.platform.members.total()
    assert 0 < before < 9
    versions = world.aws.s3.objects[("drops", item["key"])]
    versions[0] = table(people(9, start=100)).encode()
    world.run()
    assert world.receipt()["reason"]["code"] == "object_changed"
    assert world.platform.members.total() == before


def test_an_account_of_the_message_is_checked_only_where_it_has_one(world: World) -> None:
    """An event of this account and one that names none are read."""
    event = json.loads(world.drop(table(people(1))))
    assert event["account"] == ACCOUNT
    del event["account"]
    world.run(json.dumps(event))
    world.check(*people(1))


def _with(event: dict[str, dict[str, object]], name: str, value: object) -> dict[str, dict[str, object]]:
    return event | {"detail": event["detail"] | {name: value}}


def test_an_action_that_the_settings_do_not_allow_is_refused(world: World) -> None:
    """The platform offers removals, the connector's settings do not: nothing is sent."""
    world.settings = replace(world.settings, actions=("add",))
    world.restart()
    world.run(world.drop(table(people(2)), kind="raw/remove"), world.drop(table(people(2))))
    states = {one["reason"]["code"] if one["reason"] else one["state"] for one in world.receipts()}
    assert states == {"action_not_allowed", "applied"}
    assert world.dead_codes() == ["action_not_allowed"]
