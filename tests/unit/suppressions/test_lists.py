"""Suppression drops: who is on a list for which platform, what each row came to, and what changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from activation.aws.table import ConditionalTable
from activation.identifiers.refused import new_key
from activation.ledger.orders import OrderKind, Orders
from activation.ledger.runs import RunState
from activation.ledger.suppression_lists import KEY, NAME
from activation.suppression.current import ACCEPTED_AFTER_S, FRESH_S

from lambdas.suppressions.lists import tables
from lambdas.suppressions.run import ListRun
from tests.unit.suppressions.world import ListWorld

FILE = "email,phone,customer_id\nAnna@X.example,+49 171 1234567,c1\nnobody,,\nbert@x.example,,\n"


def hashed(text: str) -> str:
    """Hash as platforms do."""
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_person_is_listed_by_each_platforms_own_rules() -> None:
    """An address alike everywhere, a phone with a plus for TikTok and without for Meta and Snapchat."""
    world = ListWorld()
    receipt = world.put_on(FILE)
    assert receipt["state"] == RunState.APPLIED
    world.check_sums(receipt)
    assert receipt["rows"]["acknowledged"] == 2
    assert receipt["rejected_by_us"] == {"not_an_email": 1}
    for platform, key in (("meta", "EMAIL"), ("tiktok", "EMAIL_SHA256"), ("snapchat", "EMAIL_SHA256")):
        assert world.has(platform, key, "anna@x.example")
        assert world.has(platform, key, "bert@x.example")
        assert not world.has(platform, key, "nobody@x.example")
    assert world.has("meta_conversions", "em", "anna@x.example")
    assert world.has("meta", "PHONE", "491711234567")
    assert world.has("snapchat", "PHONE_SHA256", "491711234567")
    assert world.has("tiktok", "PHONE_SHA256", "+491711234567")
    assert not world.has("tiktok", "PHONE_SHA256", "491711234567")
    assert world.has("meta", "EXTERN_ID", "c1")


def test_every_platform_of_the_release_is_listed() -> None:
    """A connector that is added later finds the lists read for its platform too."""
    world = ListWorld()
    world.put_on(FILE)
    assert set(world.lists.whole) == set(tables())


def test_a_phone_without_its_country_code_is_read_for_each_connector() -> None:
    """By the default country of each, since it is not known which one sends it."""
    world = ListWorld(countries=("DE", "AT"))
    world.put_on("phone\n0664 1234567\n")
    assert world.has("tiktok", "PHONE_SHA256", "+436641234567")


def test_second_addresses_and_lists_in_a_cell_are_listed() -> None:
    """Each of them reaches the same person."""
    world = ListWorld()
    world.put_on("email\na@x.example; b@x.example; c@x.example; d@x.example; e@x.example\n")
    assert all(world.has("meta", "EMAIL", f"{one}@x.example") for one in "abcde")


def test_digests_of_one_platform_are_found_on_all_that_send_the_same() -> None:
    """What Meta is sent for a phone, Snapchat is sent as well."""
    world = ListWorld()
    receipt = world.put_on(f"phone\n{hashed('491711234567')}\n", "hashed_meta")
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == (RunState.APPLIED, 1)
    assert world.has("meta", "PHONE", "491711234567")
    assert world.has("snapchat", "PHONE_SHA256", "491711234567")


def test_plain_lists_of_one_kind_have_no_header() -> None:
    """One value a line."""
    world = ListWorld()
    receipt = world.put_on("anna@x.example\nbert@x.example\n", "email")
    assert receipt["rows"]["acknowledged"] == 2
    assert world.has("tiktok", "EMAIL_SHA256", "bert@x.example")


def test_a_column_that_says_who_may_be_contacted_is_not_asked() -> None:
    """Who stands in a suppression file is suppressed, whatever the export says beside it."""
    world = ListWorld()
    receipt = world.put_on("email,Email Opt Out\nanna@x.example,true\nbert@x.example,false\n")
    assert receipt["rows"]["acknowledged"] == 2


def test_lists_are_lifted_and_added_to() -> None:
    """Each list by itself: who is on another one stays suppressed."""
    world = ListWorld()
    world.put_on("email\na@x.example\nb@x.example\n", to="newsletter")
    world.put_on("email\na@x.example\nc@x.example\n", to="court")
    receipt = world.put_on("email\na@x.example\nb@x.example\nz@x.example\n", "raw/remove", to="newsletter")
    assert receipt["state"] == RunState.APPLIED
    assert receipt["platform_notes"]["suppression_list"].startswith("2 identifiers left the list")
    assert world.has("meta", "EMAIL", "a@x.example")
    assert not world.has("meta", "EMAIL", "b@x.example")
    assert world.has("meta", "EMAIL", "c@x.example")
    assert {name: len(one.runs) for name, one in world.lists.lists.items()} == {"newsletter": 2, "court": 1}


def test_a_folder_is_one_drop() -> None:
    """Its files are read when its sign has arrived."""
    world = ListWorld()
    folder = "suppressions/no/raw/export-1"
    part = world.event(world.put("email\na@x.example\n", f"{folder}/part-0.csv"))
    other = world.event(world.put("email\nb@x.example\n", f"{folder}/part-1.csv"))
    world.clock.pass_s(1)
    entries = [{"url": f"s3://drops/{folder}/part-{number}.csv"} for number in range(2)]
    world.run(part, other, world.event(world.put(json.dumps({"entries": entries}), f"{folder}/manifest")))
    assert world.receipt()["rows"]["acknowledged"] == 2
    assert world.has("meta", "EMAIL", "b@x.example")


@pytest.mark.parametrize(("made_for", "code"), [("meta", ""), ("tiktok", "other_platform")])
def test_digests_that_a_manifest_says_are_another_platforms_change_nothing(made_for: str, code: str) -> None:
    """They would be found by nobody, or by the wrong platform's requests alone."""
    world = ListWorld()
    folder = f"{NAME}/no/hashed_meta/export-1"
    part = world.event(world.put(f"email\n{hashed('a@x.example')}\n", f"{folder}/part-0.csv"))
    own = {"entries": [{"url": f"s3://drops/{folder}/part-0.csv"}], "activation": {"platform": made_for}}
    world.clock.pass_s(1)
    world.run(part, world.event(world.put(json.dumps(own), f"{folder}/manifest")))
    assert (world.receipt()["reason"] or {"code": ""})["code"] == code
    assert bool(world.lists.lists) is not bool(code)


def test_a_list_of_everybody_is_refused_by_name() -> None:
    """The guard counts people: a customer base on a list waits for somebody, and nothing changes."""
    world = ListWorld(most_rows=3)
    receipt = world.put_on("email\n" + "".join(f"p{number}@x.example\n" for number in range(4)))
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.BLOCKED, "too_many_at_once")
    assert not world.lists.lists


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("email\nnobody\n,\n", "raw", "names_nobody"),
        ("name,email\nAnna,\n", "raw", "names_nobody"),
        ("first_name,last_name\nAnna,Smith\n", "raw", "no_usable_column"),
        (f"email\n{hashed('a@x.example')}\n", "raw", "other_hash"),
        (f"email\n{hashlib.md5(b'a').hexdigest()}\n", "hashed_meta", "other_hash"),
        ("email\nanna@x.example\n", "hashed_meta", "clear_text"),
        (f"email\n{hashed('a@x.example')}\n", "hashed", "hashed_for_whom"),
        (f"email\n{hashed('a@x.example')}\n", "hashed_nowhere", "unknown_identifiers"),
    ],
    ids=[
        "no identifier",
        "no cell",
        "names alone",
        "digests as plain values",
        "another algorithm",
        "plain values as digests",
        "digests of nobody's",
        "an unknown platform's digests",
    ],
)
def test_a_drop_that_cannot_be_meant_changes_nothing(text: str, kind: str, code: str) -> None:
    """The receipt has a code and a sentence, and the list is as it was."""
    world = ListWorld()
    world.put_on("email\nkept@x.example\n")
    before = world.lists
    receipt = world.put_on(text, kind)
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, code)
    assert world.lists == before
    assert "a@x.example" not in json.dumps(receipt)


@pytest.mark.parametrize("kind", ["raw", "raw/remove"])
def test_more_people_than_the_guard_allows_wait_for_somebody(kind: str) -> None:
    """A whole customer base put on a list, or a whole list lifted, is most often a wrong export."""
    world = ListWorld(most_rows=2)
    world.put_on("email\na@x.example\nb@x.example\n")
    before = world.lists
    receipt = world.put_on("email\na@x.example\nb@x.example\nc@x.example\n", kind)
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.BLOCKED, "too_many_at_once")
    assert world.lists == before
    world.most_rows = 3
    world.restart()
    world.redrive()
    world.run()
    assert world.has("meta", "EMAIL", "c@x.example") == (kind == "raw")


@pytest.mark.parametrize("at", range(1, 30))
def test_a_worker_that_dies_leaves_the_list_before_or_after(at: int) -> None:
    """Never between, and a run that begins again changes it once."""
    world = ListWorld()
    world.put_on("email\nold@x.example\n")
    world.send(world.event(world.put(FILE, "suppressions/no/raw/new.csv")))
    world.aws.fuse.set(at)
    world.run()
    assert world.has("meta", "EMAIL", "old@x.example")
    assert world.has("meta", "EMAIL", "anna@x.example")
    receipt = world.receipts()[-1] if len(world.receipts()) > 1 else world.receipts()[0]
    assert {one["state"] for one in world.receipts()} == {"applied"}
    world.check_sums(receipt)


def test_nothing_of_a_person_rests_in_plain() -> None:
    """Neither objects, records, receipts nor messages hold a value, nor its digest."""
    world = ListWorld()
    world.put_on(FILE)
    rests = [
        repr(one).encode()
        for one in (*world.kept(), *world.aws.dynamodb.items.values(), world.events, world.take_dead_letters())
    ]
    rests += [body[-1] for (bucket, _), body in world.aws.s3.objects.items() if bucket != "drops"]
    secret = ("anna", "491711234567", hashed("anna@x.example"), hashed("491711234567"))
    assert not [one for one in secret for rest in rests if one.encode() in rest.lower()]
    assert any(bytes.fromhex(hashed("anna@x.example"))[:8] in rest for rest in rests)  # the positive control


@pytest.mark.parametrize("deletes", [True, False])
def test_a_drop_of_a_list_is_deleted_once_its_run_is_final(deletes: bool) -> None:
    """As the settings say, that of a forget whatever they say; what failed stays for its redrive."""
    world = ListWorld()
    world.settings = replace(world.settings, deletes_final_drops=deletes)
    world.restart()
    for text in (FILE, FILE.replace("bert", "carl")):
        assert world.put_on(text)["state"] == RunState.APPLIED
    folder = f"{NAME}/no/raw/night"
    world.put(FILE, f"{folder}/part-0.csv")
    world.run(world.event(world.put("", f"{folder}/_SUCCESS")))
    assert world.put_on(FILE, to="forgotten", file="forget-0123456789ab.csv")["state"] == RunState.APPLIED
    assert world.put_on("colour\nred\n", file="failed.csv")["state"] == RunState.FAILED
    world.take_dead_letters()
    found = world.aws.s3.list_object_versions(Bucket="drops", Prefix=NAME)
    left = [one["Key"].rsplit("/", 1)[-1] for one in found["Versions"]]
    kept = ["a.csv", "a.csv", "failed.csv", "_SUCCESS", "part-0.csv"]
    assert sorted(left) == sorted(["failed.csv", "_SUCCESS"] if deletes else kept)
    assert not found.get("DeleteMarkers")
    assert world.has("meta", "EMAIL", "carl@x.example")


def test_objects_of_earlier_versions_are_deleted() -> None:
    """But for those that the version before has, which a connector may be reading."""
    world = ListWorld()
    for _ in range(4):
        world.put_on(f"email\n{new_key()}@x.example\n", file=f"{new_key()}.csv")
    lists, kept = world.lists, {key for bucket, key in world.aws.s3.objects if bucket == "mirrors"}
    assert kept == lists.keys | set(lists.before)


def test_a_receipt_is_written_once_every_connector_asks_the_changed_list() -> None:
    """Connectors look at the record once in FRESH_S: what begins after the receipt holds nobody of the list."""
    world, at = ListWorld(), dict[str, float]()

    def note(operation: str, given: Any) -> None:
        if operation == "update_item" and KEY in str(given):
            at["changed"] = world.clock()
        if operation == "put_object" and "receipts/suppressions/" in str(given):
            at["receipt"] = world.clock()

    world.aws.before.append(note)
    assert world.put_on(FILE)["state"] == RunState.APPLIED
    assert at["receipt"] - at["changed"] >= ACCEPTED_AFTER_S > FRESH_S


def test_two_drops_at_once_lose_nobody() -> None:
    """The one whose record was overtaken merges again."""
    world = ListWorld()
    other: list[str] = []

    def overtake(operation: str, params: Mapping[str, Any]) -> None:
        if operation == "put_object" and params.get("Bucket") == "mirrors" and not other:
            other.append("begun")
            world.handle(world.event(world.put("email\nsecond@x.example\n", "suppressions/no/raw/b.csv")))

    world.aws.before.append(overtake)
    world.run(world.event(world.put("email\nfirst@x.example\n", "suppressions/no/raw/a.csv")))
    assert world.has("meta", "EMAIL", "first@x.example")
    assert world.has("meta", "EMAIL", "second@x.example")


@pytest.mark.parametrize("kind", [OrderKind.DISCARD, OrderKind.STOP])
def test_a_run_that_somebody_ends_changes_no_list(kind: OrderKind) -> None:
    """One that has failed and one that reads its drop; a stopped one continues when it is asked to."""
    world = ListWorld(most_rows=1)
    body = world.event(world.put(FILE, f"{NAME}/no/raw/a.csv"))
    world.run(body)
    run = world.run_of(body)
    assert (run.state, run.code) == (RunState.BLOCKED, "too_many_at_once")
    run_id = run.pk.rpartition("#")[2]
    orders = Orders(ConditionalTable(world.aws.dynamodb, "ledger"), NAME, world.clock)
    orders.note(run_id, kind, "arn:x")
    world.most_rows = 10
    world.restart()
    world.run(*(str(one["Body"]) for one in world.take_dead_letters()))
    receipt = world.receipt()
    code = "discarded" if kind is OrderKind.DISCARD else "stopped"
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, code)
    assert "; the list was not changed" in receipt["reason"]["sentence"]
    assert receipt["rows"]["acknowledged"] == 0
    assert world.lists.lists == {}
    assert world.take_dead_letters() == []
    if kind is OrderKind.STOP:
        orders.note(run_id, OrderKind.RETRY, "arn:x")
        world.run(world.run_of(body).message)
        assert (world.receipt()["state"], world.receipt()["rows"]["acknowledged"]) == (RunState.APPLIED, 2)


def test_a_run_whose_list_is_changed_is_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was discarded after its worker had changed the list and died: the receipt says what happened."""
    world = ListWorld()
    body = world.event(world.put(FILE, f"{NAME}/no/raw/a.csv"))

    def die(_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(ListRun, "_notes", lambda *_: die(_))
        with pytest.raises(KilledError):
            world.process().handle(body, aws_account="", time_left_s=lambda: 900.0)
    run_id = world.run_of(body).pk.rpartition("#")[2]
    Orders(ConditionalTable(world.aws.dynamodb, "ledger"), NAME, world.clock).note(run_id, OrderKind.STOP, "arn:x")
    world.clock.pass_s(3_600)
    world.run(body)
    assert (world.receipt()["state"], world.receipt()["rows"]["acknowledged"]) == (RunState.APPLIED, 2)


class KilledError(Exception):
    """The worker is gone."""
