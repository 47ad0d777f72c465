"""The simulated Snapchat where it is set up to misbehave, and what its face tells, over plain HTTP."""

import hashlib
import json
from typing import Any

import pytest
import requests

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.snapchat_client import EMAIL, Client, people, refresh, refused


@pytest.fixture
def client(snapchat: Outside) -> Client:
    """Return a client with the default secret."""
    return Client.of(snapchat)


def test_soft_error_of_the_request(client: Client) -> None:
    """The next `soft_errors` writes say ERROR under HTTP 200 and nothing more, and are not applied."""
    segment = client.created()
    client.snapchat.configure(soft_errors=2)
    answers = [client.users(segment, people(2)) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 200]
    assert [one.json()["request_status"] for one in answers] == ["ERROR", "ERROR", "SUCCESS"]
    assert set(answers[0].json()) == {"request_status", "request_id"}
    assert [one["applied"] for one in client.snapchat.requests("/users")] == [False, False, True]


def test_soft_error_spares_reads(client: Client) -> None:
    """Reads are answered as ever while a soft error waits for the next write."""
    segment = client.created()
    client.snapchat.configure(soft_errors=1)
    assert client.shown(segment)["id"] == segment
    assert client.ask("DELETE", f"segments/{segment}/all_users").json()["request_status"] == "ERROR"


@pytest.mark.parametrize("things", ["users", "segments"])
def test_soft_error_of_a_sub_request(client: Client, things: str) -> None:
    """The request as a whole may say SUCCESS where the one thing in it says ERROR, with a reason."""
    segment = client.created()
    client.snapchat.configure(soft_errors=1, soft_error_in="sub_request")
    said = (client.users(segment, people(1)) if things == "users" else client.create()).json()
    assert said["request_status"] == "SUCCESS"
    assert said[things][0]["sub_request_status"] == "ERROR"
    assert said[things][0]["sub_request_error_reason"]
    assert client.snapchat.audience("VIP")["count"] == 0


def test_soft_refusals(client: Client) -> None:
    """With `soft_refusals` a malformed request is refused under HTTP 200, and a missing segment still 404."""
    client.snapchat.configure(soft_refusals=True)
    segment = client.created()
    answer = client.users(segment, [["someone@example.com"]])
    assert (answer.status_code, answer.json()["request_status"]) == (200, "ERROR")
    assert client.users("1", people(1)).status_code == 404


def test_status_words_in_any_spelling(client: Client) -> None:
    """With mixed words every answer spells its status another way."""
    client.snapchat.configure(status_words="mixed")
    segment = client.created()
    said = [client.users(segment, people(1)).json() for _ in range(3)]
    words = [one["request_status"] for one in said]
    assert sorted(words) == ["SUCCESS", "Success", "success"]
    assert [one["users"][0]["sub_request_status"] for one in said] == words


def test_users_of_other_segments_cannot_be_changed(client: Client) -> None:
    """A lookalike set up from outside is listed with its size, and takes no users."""
    client.snapchat.configure(audiences=[{"name": "VIP", "source_type": "LOOKALIKE", "size": 5000}])
    (one,) = client.ask("GET", f"adaccounts/{client.account}/segments").json()["segments"]
    segment = one["segment"]
    assert (segment["source_type"], segment["approximate_number_users"]) == ("LOOKALIKE", 5000)
    assert "source_type" in refused(client.users(segment["id"], people(1)))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rotation": "often"}, "rotation"),
        ({"max_rows": "many"}, "max_rows"),
        ({"nothing": 1}, "nothing"),
        ({"audiences": {}}, "audiences"),
        ({"audiences": [{"colour": "red"}]}, "colour"),
    ],
)
def test_settings_that_are_refused(snapchat: Outside, changes: dict[str, Any], named: str) -> None:
    """A setting that is unknown or of another type is named, and nothing is set."""
    with pytest.raises(ValueError, match=named):
        snapchat.configure(expires_in=60, **changes)
    assert refresh(snapchat).json()["expires_in"] == 1800


def test_journal_counts_and_digests_rows(client: Client) -> None:
    """A call's row has its rows, their digest exactly as sent, whether it was applied, and what it was about."""
    segment = client.created()
    client.users(segment, people(3))
    client.users(segment, people(3), method="DELETE")
    client.users(segment, [["not a hash"]])
    added, removed, bad = client.snapchat.requests("/users")
    compact = json.dumps(people(3), separators=(",", ":"))
    assert added["digest"] == removed["digest"] == hashlib.sha256(compact.encode()).hexdigest()
    assert [(one["rows"], one["applied"]) for one in (added, removed, bad)] == [(3, True), (3, True), (1, False)]
    assert added["note"] == {"segment_id": segment, "action": "add", "schema": EMAIL}
    assert removed["note"] == {"segment_id": segment, "action": "remove", "schema": EMAIL}
    assert client.snapchat.state()["counters"]["rows_applied"] == 6


def test_scripted_fault_strikes_and_passes(client: Client) -> None:
    """A fault answers in the platform's place for as often as it was told, with nothing applied."""
    segment = client.created()
    client.snapchat.fail({"route": "/users", "times": 1, "status": 503, "body": "busy"})
    answers = [client.users(segment, people(2)) for _ in range(2)]
    assert [one.status_code for one in answers] == [503, 200]
    assert [one["fault"] for one in client.snapchat.requests("/users")] == ["status", ""]


def test_create_whose_answer_was_lost(client: Client) -> None:
    """The segment is there although nobody was told: a client has to list before it creates again."""
    client.snapchat.fail({"route": "/segments", "drop": "after"})
    with pytest.raises(requests.ConnectionError):
        client.create()
    listed = client.ask("GET", f"adaccounts/{client.account}/segments").json()["segments"]
    assert [one["segment"]["name"] for one in listed] == ["VIP"]


def test_upload_cut_off(client: Client) -> None:
    """An upload dropped before leaves nothing; its row in the journal knows what was sent."""
    segment = client.created()
    client.snapchat.fail({"route": "/users", "drop": "before"})
    with pytest.raises(requests.ConnectionError):
        client.users(segment, people(3))
    (row,) = client.snapchat.requests("/users")
    assert (row["applied"], row["rows"], row["fault"]) == (False, 3, "before")
    assert client.snapchat.audience("VIP")["count"] == 0


def test_secret_names_the_simulator(snapchat: Outside) -> None:
    """The secret holds what a client needs and the simulator's own address."""
    secret = snapchat.secret()
    assert set(secret) == {"client_id", "client_secret", "refresh_token", "ad_account_id", "endpoint"}
    assert secret["endpoint"] == snapchat.base_url
