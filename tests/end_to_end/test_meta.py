"""The Meta connector, deployed: what a drop becomes, and what becomes of one that is no good."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from sandbox.demo import export
from tests.end_to_end.line import Line
from tests.end_to_end.people import as_csv, people, sha256


def test_a_messy_export_fills_an_audience_with_exactly_its_people(meta: Line) -> None:
    """The receipt's sums add up, the rejects name each unusable row, and the account holds the expected hashes."""
    made = export.write(3_000, 40)
    put = meta.put("Demo été", made.body)
    receipt = meta.finish(put)
    assert receipt["state"] == "applied"
    assert receipt["rows"] == {
        "in": 3_000,
        "read": 3_000,
        "acknowledged": 2_960,
        "rejected_by_us": 40,
        "rejected_by_platform": 0,
    }
    assert sum(receipt["rejected_by_us"].values()) == 40
    rejects = meta.rejects(receipt)
    rows = [int(row) for row, _, _ in rejects]
    assert len(set(rows)) == 40
    assert rows == sorted(rows)
    assert meta.held("Demo été") == made.members["meta"]
    assert receipt["identifiers"] == Counter(key for member in made.members["meta"] for key, _ in member)
    assert receipt["columns"]["ignored"] == ["Loyalty Tier"]


@pytest.mark.parametrize(
    ("audience", "file"),
    [
        ("VIP été 2026+a%20b", "people.csv"),
        ("a@b %2F 100%", "q3 + q4%2Bfinal @ 50%.csv"),
        ("名前 Ωmega", "Zoë's 表.csv"),
        ("=cmd|' C calc'!A0", "x&y=z?v#1;.csv"),
    ],
)
def test_a_key_is_read_as_it_is(meta: Line, audience: str, file: str) -> None:
    """Spaces, plus, percent, at and letters of any script are letters: nothing in a key is decoded."""
    some = people(20, "key")
    receipt = meta.finish(meta.put(audience, as_csv(some), file=file))
    assert (receipt["state"], receipt["audience"]["name"]) == ("applied", audience)
    assert meta.held(audience) == meta.members(some)


def test_a_list_of_hashes_is_sent_as_it_is(meta: Line) -> None:
    """A list needs no header, its identifier type may be in any case, and nothing is hashed twice."""
    some = people(30, "list", phones=False)
    body = "\n".join(sha256(person.email).upper() for person in some).encode()
    receipt = meta.finish(meta.put("Hashed", body, kind="EMAIL_sha256", file="list"))
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 30)
    assert meta.held("Hashed") == meta.members(some)


def test_people_are_removed_by_a_drop_that_says_so(meta: Line) -> None:
    """A drop under `remove` takes its people out and leaves the others."""
    some = people(50, "remove")
    meta.finish(meta.put("Leavers", as_csv(some)))
    receipt = meta.finish(meta.put("Leavers", as_csv(some[:20]), action="remove"))
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 20)
    assert meta.held("Leavers") == meta.members(some[20:])


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("meta/people.csv", "wrong_depth"),
        ("meta/Audience/people.csv", "wrong_depth"),
        ("meta/Audience/raw/add/delete/people.csv", "unknown_action"),
        ("meta//raw/people.csv", "empty_segment"),
        ("meta/Audience/rwa/people.csv", "unknown_identifiers"),
        ("meta/Audience/raw/append/people.csv", "unknown_action"),
    ],
)
def test_a_key_that_cannot_be_read_ends_in_a_receipt_and_a_dead_letter(meta: Line, key: str, code: str) -> None:
    """The operator is told the layout; nobody is sent anything."""
    put = meta.put_key(key, as_csv(people(5, "wrong-key")))
    receipt = meta.sandbox.receipt(f"receipts/meta/_unreadable/{put.run_id}.json")
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", code)
    assert "<connector>/<audience>/<identifiers>[/<action>]/<file>" in receipt["reason"]["sentence"]
    meta.wait_until_quiet()  # the letter follows the receipt
    (letter,) = meta.dead_letters()
    assert letter["code"] == code
    assert meta.calls("") == []


def test_a_drop_of_no_connector_is_recorded_as_ignored(meta: Line) -> None:
    """No connector's rule fits a mistyped prefix: nothing is sent, and the ledger has the key for `status`."""
    put = meta.put_key("mta/Audience/raw/people.csv", as_csv(people(5, "nobody")))
    record = meta.wait_for_stray(put)
    assert (record["state"], record["object_key"]) == ("ignored", put.key)
    meta.wait_until_quiet()
    assert meta.calls("") == []
    assert meta.dead_letters() == []


def test_bucket_and_ledger_can_be_compared(meta: Line) -> None:
    """The hourly round of the watch may list the bucket and look up runs with its own role."""
    stack = "audience-activation-activation"
    (found,) = meta.sandbox.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
    answer = meta.sandbox.client("lambda").invoke(
        FunctionName=outputs["DropWatchFunctionName"], Payload=json.dumps({"source": "aws.events"})
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_a_failed_run_is_told_in_words(meta: Line) -> None:
    """The notice passes the rule and the topic's policy, and says what happened, why, and what to run."""
    put = meta.put_key('meta/VIP "gold"/rwa/people.csv', as_csv(people(5, "told")))
    mail = meta.wait_for_notice(put.run_id)
    what, why, todo = (json.loads(line) for line in mail.splitlines())
    assert f"run {put.run_id}" in what
    assert why.startswith("unknown_identifiers: ")
    assert "activation redrive --connector meta" in todo
    meta.dead_letters()


@pytest.mark.parametrize("name", ["_SUCCESS", "_temporary/0/part", ".hidden.csv", "folder/"])
def test_a_tools_own_marks_are_no_drops(meta: Line, name: str) -> None:
    """What Spark and file browsers leave behind is passed over without a receipt or a dead letter."""
    put = meta.put_key(f"meta/Audience/raw/{name}" if "/0/" not in name else f"meta/Audience/raw/_{name}", b"")
    meta.wait_until_quiet()
    assert meta.run(put) is None
    assert meta.calls("") == []


@pytest.mark.parametrize(
    ("body", "state", "code"),
    [
        (b"", "empty", None),
        (b"email,phone\n", "empty", None),
        (b"tier,points\ngold,7\n", "failed", "no_usable_column"),
        ("email,city\n" + "caf\u00e9@canary.example,M\u00fcnchen\n" * 50, "failed", "not_utf8"),
        (b"email\nnobody\n\nat all\n", "failed", "all_rows_rejected"),
    ],
    ids=["empty", "header-only", "no-usable-column", "not-utf8", "nobody-usable"],
)
def test_a_file_that_is_no_good_ends_in_a_receipt_with_its_code(
    meta: Line, body: bytes | str, state: str, code: str | None
) -> None:
    """An empty file is a success of nothing; the others fail with a sentence, and call nobody by a dead letter."""
    put = meta.put("No good", body if isinstance(body, bytes) else body.encode("latin-1"))
    receipt = meta.finish(put)
    assert receipt["state"] == state
    assert (receipt["reason"] or {}).get("code") == code
    meta.wait_until_quiet()
    assert meta.dead_letters() == []
    if code:
        assert receipt["reason"]["sentence"].endswith(".") or len(receipt["reason"]["sentence"]) > 20
    assert meta.calls("/users") == []


SECRETS: dict[str, tuple[str | bytes | dict[str, object], str]] = {
    "not JSON": ("EAAB not json", "bad_secret"),
    "a list": ("[]", "bad_secret"),
    "binary": (b"\x00\x01", "bad_secret"),
    "no token": ({"access_token": None}, "bad_secret"),
    "an empty account": ({"ad_account_id": ""}, "bad_secret"),
    "an account that is none": ({"ad_account_id": "act_me"}, "bad_secret"),
    "plain http to elsewhere": ({"endpoint": "http://graph.facebook.com"}, "bad_secret"),
    "another token": ({"access_token": "EAAunknown", "app_secret": ""}, "token_refused"),
    "another app's secret": ({"app_secret": "0123456789abcdef" * 2}, "lookup_refused"),
    "another account": ({"ad_account_id": "999000111"}, "audience_missing"),
}


@pytest.mark.parametrize(("secret", "code"), SECRETS.values(), ids=SECRETS)
def test_a_secret_that_is_no_good_blocks(meta: Line, secret: str | bytes | dict[str, object], code: str) -> None:
    """The run is blocked with a code and a sentence that speaks of the secret; nobody was sent."""
    right = meta.sandbox.simulator_secret("meta")
    meta.write_secret(json.dumps({**right, **secret}) if isinstance(secret, dict) else secret)
    meta.restart()
    put = meta.put("Blocked", as_csv(people(10, "secret")))
    receipt = meta.finish(put)
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", code)
    assert "secret" in receipt["reason"]["sentence"]
    assert receipt["rows"]["acknowledged"] == 0
    (letter,) = meta.dead_letters()
    assert (letter["code"], letter["run_id"]) == (code, put.run_id)
    assert meta.calls("/users") == []


@pytest.mark.parametrize("wrong", ["not JSON", "another token", "another account"])
def test_a_redrive_goes_by_the_secret_as_it_is_then(meta: Line, wrong: str) -> None:
    """An operator mends the secret and redrives at once: the functions that still run read it again."""
    right, (secret, code) = meta.sandbox.simulator_secret("meta"), SECRETS[wrong]
    meta.write_secret(json.dumps({**right, **secret}) if isinstance(secret, dict) else secret)
    meta.restart()
    some = people(10, "mended")
    put = meta.put("Mended", as_csv(some))
    assert meta.finish(put)["reason"]["code"] == code
    meta.write_secret(json.dumps(right))
    meta.redrive()
    receipt = meta.finish_again(put)
    assert (receipt["state"], receipt["reason"], receipt["rows"]["acknowledged"]) == ("applied", None, 10)
    assert meta.held("Mended") == meta.members(some)
    assert meta.dead_letters() == []


def test_a_secret_that_was_never_written_blocks(meta: Line) -> None:
    """Right after the first deployment there is no secret yet; the receipt says so, and a redrive delivers."""
    if meta.sandbox.described["iam_enforced"]:
        pytest.skip("the function's role may read the connector's own secret only, which is written already")
    with meta.unwritten_secret() as write:
        put = meta.put("Unwritten", as_csv(people(5, "unwritten")))
        receipt = meta.finish(put)
        assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "no_secret")
        write()
        meta.redrive()
        assert meta.finish_again(put)["state"] == "applied"


def test_a_secret_of_another_account_than_configured_sends_nothing(meta: Line) -> None:
    """The account in the settings is compared with the secret's before the first call."""
    meta.configure(environment={"EXPECTED_ACCOUNT": "111222333"})
    receipt = meta.finish(meta.put("Other account", as_csv(people(5, "other-account"))))
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "other_account")
    assert meta.calls("") == []


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"tokens": [{"state": "expired"}]}, "token_refused"),
        ({"tokens": [{"permissions": ["ads_read"]}]}, "no_permission"),
        ({"tokens": [{"accounts": []}]}, "audience_missing"),
        ({"accounts": [{"terms_accepted": False}]}, "terms_not_accepted"),
        ({"audiences": [{"name": "Refused", "operation_status": 471}]}, "audience_flagged"),
    ],
    ids=["token", "permission", "unassigned", "terms", "flagged"],
)
def test_what_the_platform_refuses_for_good_blocks(meta: Line, config: dict[str, object], code: str) -> None:
    """A token, a permission, the terms or the audience itself: a person has to act, and is told how."""
    meta.sandbox.simulator_config("meta", **config)
    receipt = meta.finish(meta.put("Refused", as_csv(people(5, "refused"))))
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", code)
    assert receipt["rows"]["acknowledged"] == 0
    (letter,) = meta.dead_letters()
    assert letter["code"] == code
