"""The simulated Meta's sessions, over plain HTTP: of uploads, and of a replace."""

from typing import Any

import pytest
import requests

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_client import Client, code_of, people


@pytest.fixture
def client(meta: Outside) -> Client:
    """Return a client with the default secret."""
    return Client.of(meta)


@pytest.mark.parametrize(
    "session",
    [
        {"session_id": 0, "batch_seq": 1},
        {"session_id": 2**63, "batch_seq": 1},
        {"session_id": 5, "batch_seq": 0},
        {"session_id": 5},
        {"session_id": "x", "batch_seq": 1},
    ],
)
def test_malformed_sessions(client: Client, session: dict[str, Any]) -> None:
    """A session number is a positive 64-bit integer and batches count from 1."""
    assert code_of(client.upload(client.create(), people(1), session))[0] == 100


def test_received_counts_the_session_so_far(client: Client) -> None:
    """`num_received` grows with the session; a batch sent again is received again but changes no member."""
    audience = client.create()
    seen = [
        client.upload(audience, people(4), {"session_id": 2**63 - 1, "batch_seq": batch}).json()
        for batch in (1, 1, 2)
    ]
    assert [one["num_received"] for one in seen] == [4, 8, 12]
    assert seen[0]["session_id"] == str(2**63 - 1)
    assert client.meta.audience("VIP")["count"] == 4


def test_reading_a_session_back_by_field(client: Client) -> None:
    """The sessions edge gives the fields asked for, as texts; an unknown session is an empty list."""
    audience = client.create()
    client.upload(audience, people(4), {"session_id": 5, "batch_seq": 1})
    wanted = {"session_id": 5, "fields": "stage,num_received"}
    read = client.ask("GET", f"{audience}/sessions", params=wanted).json()
    assert read == {"data": [{"stage": "uploading", "num_received": "4"}]}
    assert client.ask("GET", f"{audience}/sessions", params={"session_id": 6}).json() == {"data": []}
    assert code_of(client.ask("GET", f"{audience}/sessions", params={"fields": "batches"}))[0] == 100


@pytest.mark.parametrize("end", ["last batch", "ninety minutes"])
def test_batches_after_the_end_are_thrown_away(client: Client, end: str) -> None:
    """After its last batch, or ninety minutes, a session answers 200 and takes nothing."""
    audience = client.create()
    client.upload(audience, people(2), {"session_id": 5, "batch_seq": 1, "last_batch_flag": end == "last batch"})
    if end == "ninety minutes":
        client.meta.advance(90 * 60)
    answer = client.upload(audience, people(9), {"session_id": 5, "batch_seq": 2})
    assert (answer.status_code, answer.json()["num_received"]) == (200, 2)
    assert client.meta.audience("VIP")["count"] == 2
    assert [one["applied"] for one in client.meta.requests("/users")] == [True, False]


def test_a_session_belongs_to_one_audience(client: Client) -> None:
    """A session number is unique in the ad account."""
    client.upload(client.create(name="A"), people(1), {"session_id": 5, "batch_seq": 1})
    answer = client.upload(client.create(name="B"), people(1), {"session_id": 5, "batch_seq": 1})
    assert code_of(answer)[0] == 100


def test_meta_s_own_session_identifies_nothing(client: Client) -> None:
    """Without a session Meta makes one up: the same for every request of a schema and verb, in every audience."""
    first, second = client.create(), client.create()
    ids = {client.upload(one, people(1, one)).json()["session_id"] for one in (first, first, second)}
    assert len(ids) == 1
    assert client.upload(first, people(1), schema=["PHONE"]).json()["session_id"] not in ids


def replaced(client: Client, audience: str, session: int, batch: int, *, last: bool = False) -> requests.Response:
    """Send one batch of a replace."""
    numbers = {"session_id": session, "batch_seq": batch, "last_batch_flag": last}
    return client.upload(audience, people(2, f"{session}/{batch}/"), numbers, edge="usersreplace")


def test_replace_needs_its_first_batch(client: Client) -> None:
    """A batch 2 without a batch 1 is 2650/1870147, and no session at all is code 100."""
    audience = client.create()
    assert code_of(replaced(client, audience, 5, 2)) == (2650, 1870147)
    assert code_of(client.upload(audience, people(1), edge="usersreplace"))[0] == 100


def test_one_replace_at_a_time_and_nothing_beside_it(client: Client) -> None:
    """While a replace runs, a second one, its own first batch again, adds and removals are all 2650/1870145."""
    audience = client.create()
    assert replaced(client, audience, 5, 1).status_code == 200
    busy = [
        replaced(client, audience, 5, 1),
        replaced(client, audience, 6, 1),
        client.upload(audience, people(1)),
        client.upload(audience, people(1), method="DELETE"),
    ]
    assert {code_of(one) for one in busy} == {(2650, 1870145)}


def test_later_batches_come_in_any_order_and_again(client: Client) -> None:
    """After batch 1 the others may be shuffled and repeated; the audience holds each person once."""
    audience = client.create()
    client.upload(audience, people(9, "old"))
    for batch in (1, 3, 2, 3):
        assert replaced(client, audience, 5, batch).status_code == 200
    assert client.meta.audience("VIP")["count"] == 9
    replaced(client, audience, 5, 4, last=True)
    assert client.meta.audience("VIP")["count"] == 8
    assert code_of(replaced(client, audience, 5, 5)) == (2650, 1870159)


def test_replace_keeps_one_schema(client: Client) -> None:
    """Another schema within a replace session is 2650."""
    audience = client.create()
    replaced(client, audience, 5, 1)
    session = {"session_id": 5, "batch_seq": 2}
    answer = client.upload(audience, people(1), session, edge="usersreplace", schema=["PHONE"])
    assert code_of(answer)[0] == 2650


def test_replace_that_runs_out_of_time(client: Client) -> None:
    """After ninety minutes the session is 2650/1870158 and the audience holds what had arrived."""
    audience = client.create()
    client.upload(audience, people(9, "old"))
    replaced(client, audience, 5, 1)
    client.meta.advance(90 * 60)
    assert code_of(replaced(client, audience, 5, 2)) == (2650, 1870158)
    assert client.meta.audience("VIP")["members"] == people(2, "5/1/")
    assert client.upload(audience, people(1)).status_code == 200


def test_replace_goes_on_after_the_last_batch(client: Client) -> None:
    """With `replacing_s` set the audience stays 414 for a while, and the clock ends it."""
    client.meta.configure(replacing_s=600)
    audience = client.create()
    replaced(client, audience, 5, 1, last=True)
    assert code_of(client.upload(audience, people(1))) == (2650, 1870145)
    client.meta.advance(601)
    assert client.upload(audience, people(1)).status_code == 200


def test_a_hundred_million_people_are_not_replaced(client: Client) -> None:
    """An audience of that size is 2650/1870144."""
    audience = client.create()
    client.meta.configure(audiences=[{"name": "VIP", "size": 100_000_000}])
    assert code_of(replaced(client, audience, 5, 1)) == (2650, 1870144)


def test_filling_audience_takes_no_replace(client: Client) -> None:
    """With `matching_s` set an upload leaves the audience at 441, usable for adds and not for a replace."""
    client.meta.configure(matching_s=60)
    audience = client.create()
    client.upload(audience, people(1))
    status = client.ask("GET", audience, params={"fields": "operation_status"}).json()["operation_status"]
    assert status["code"] == 441
    assert client.upload(audience, people(2)).status_code == 200
    assert code_of(replaced(client, audience, 5, 1)) == (2650, 1870145)
    client.meta.advance(61)
    assert replaced(client, audience, 5, 1).status_code == 200
