"""The simulated Meta's members, over plain HTTP: which rows are members, and which members a removal takes out."""

import json
from typing import Any

import pytest

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_client import Client, code_of, digest, people


@pytest.fixture
def client(meta: Outside) -> Client:
    """Return a client with the default secret."""
    return Client.of(meta)


@pytest.mark.parametrize("encoding", ["json", "form", "multipart", "json with texts"])
def test_every_encoding_is_read(client: Client, encoding: str) -> None:
    """One JSON body, a form and a multipart form with JSON texts all say the same."""
    audience = client.create()
    payload = {"schema": ["EMAIL"], "data": people(3)}
    text = json.dumps(payload)
    by_encoding: dict[str, dict[str, Any]] = {
        "json": {"json": {"payload": payload}},
        "form": {"data": {"payload": text}},
        "multipart": {"files": {"payload": (None, text)}},
        "json with texts": {"json": {"payload": text}},
    }
    options = by_encoding[encoding]
    assert client.ask("POST", f"{audience}/users", **options).json()["num_received"] == 3
    assert client.meta.audience("VIP")["members"] == people(3)


@pytest.mark.parametrize("way", ["DELETE with a body", "POST with method=DELETE"])
def test_removal_with_a_body(client: Client, way: str) -> None:
    """Both documented ways to remove without putting people into the address work for an app older than v27.0."""
    client.meta.configure(new_app=False)
    audience = client.create()
    client.upload(audience, people(5))
    answer = (
        client.upload(audience, people(2), method="DELETE")
        if way.startswith("DELETE")
        else client.ask(
            "POST",
            f"{audience}/users",
            data={"method": "DELETE", "payload": json.dumps({"schema": ["EMAIL"], "data": people(2)})},
        )
    )
    assert answer.json()["num_received"] == 2
    assert client.meta.audience("VIP")["members"] == people(5)[2:]


def test_a_new_app_may_not_override_the_method(client: Client) -> None:
    """A POST that says method=DELETE is refused for an app made after v27.0, and removes nobody."""
    audience = client.create()
    client.upload(audience, people(2))
    fields = {"method": "DELETE", "payload": json.dumps({"schema": ["EMAIL"], "data": people(2)})}
    assert code_of(client.ask("POST", f"{audience}/users", data=fields))[0] == 100
    assert client.meta.audience("VIP")["count"] == 2


def test_removing_nobody_is_no_error(client: Client) -> None:
    """Removing someone who is not a member answers as if they were."""
    audience = client.create()
    client.upload(audience, people(3))
    assert client.upload(audience, people(1, "stranger"), method="DELETE").json()["num_received"] == 1
    assert client.meta.audience("VIP")["count"] == 3


def test_removal_with_other_columns(client: Client) -> None:
    """Meta matches people, not rows: one identifier alone takes out the person who has it."""
    audience = client.create()
    rows = [[digest(f"e{n}"), digest(f"p{n}"), digest("fr"), f"crm-{n}"] for n in range(5)]
    client.upload(audience, rows, schema=["EMAIL", "PHONE", "COUNTRY", "EXTERN_ID"])
    client.upload(audience, [[digest("e0")]], method="DELETE")
    client.upload(audience, [[digest("p1"), ""]], schema=["PHONE", "EMAIL"], method="DELETE")
    client.upload(audience, [["crm-2"]], schema=["EXTERN_ID"], method="DELETE")
    client.upload(audience, [[digest("fr")]], schema=["COUNTRY"], method="DELETE")
    assert client.meta.audience("VIP")["members"] == rows[3:]


def test_removing_everybody_is_refused(client: Client) -> None:
    """A removal that leaves nobody is 200/1870047 with status 400, and nobody is removed."""
    audience = client.create()
    client.upload(audience, people(3))
    answer = client.upload(audience, people(3), method="DELETE")
    assert (answer.status_code, code_of(answer)) == (400, (200, 1870047))
    assert client.meta.audience("VIP")["count"] == 3


def test_compressed_bodies_are_refused(client: Client) -> None:
    """Nothing public says Meta takes gzip, so neither does this one."""
    answer = client.ask("POST", f"{client.create()}/users", data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert code_of(answer)[0] == 100


def test_invalid_rows_are_counted_not_refused(client: Client) -> None:
    """Cells that are no lower-case SHA-256 make their rows invalid; the others are applied."""
    audience = client.create()
    bad: list[list[Any]] = [["plain@example.org"], [digest(1).upper()], [digest(2)[:32]], [""], [None], [7]]
    answer = client.upload(audience, [*bad, [digest(3)]])
    assert answer.status_code == 200
    assert (answer.json()["num_received"], answer.json()["num_invalid_entries"]) == (7, 6)
    assert answer.json()["invalid_entry_samples"]['["plain@example.org"]'] == "invalid hash"
    assert client.meta.audience("VIP")["members"] == [[digest(3)]]


def test_blank_external_id_is_invalid_and_blank_hash_is_not(client: Client) -> None:
    """A blank under EXTERN_ID makes the row invalid with Meta's reason; under a hashed key it does not."""
    audience = client.create()
    rows = [[digest(1), "", ""], [digest(1), "", "crm-7"], ["", digest(2), "crm-8"]]
    answer = client.upload(audience, rows, schema=["EMAIL", "PHONE", "EXTERN_ID"]).json()
    assert answer["invalid_entry_samples"] == {json.dumps(rows[0], separators=(",", ":")): "empty external ID"}
    assert client.meta.audience("VIP")["members"] == rows[1:]


def test_rows_come_back_as_sent(client: Client) -> None:
    """State shows each schema's rows in the sender's own order of keys, numbers and lists included."""
    audience = client.create(is_value_based=True)
    first = [digest("fr"), digest("e"), 12.5, "0a1b-22", ["LDU"]]
    keys = ["COUNTRY", "EMAIL", "LOOKALIKE_VALUE", "MADID", "DATA_PROCESSING_OPTIONS"]
    client.upload(audience, [first], schema=keys)
    client.upload(audience, [[digest("g"), "3"]], schema=["EMAIL", "LOOKALIKE_VALUE"])
    held = client.meta.audience("VIP")
    assert held["members"] == [first, [digest("g"), "3"]]
    assert held["schemas"] == [
        {"schema": keys, "count": 1},
        {"schema": ["EMAIL", "LOOKALIKE_VALUE"], "count": 1},
    ]


@pytest.mark.parametrize("blank", [False, True])
def test_hashed_rows_come_back_in_any_order_of_keys(client: Client, blank: bool) -> None:
    """Rows of hashed keys alone, full or with blank cells, come back as sent."""
    keys = ["COUNTRY", "FN", "PHONE", "EMAIL", "LN"]
    rows = [["" if blank and (n + m) % 3 == 0 else digest(f"{n}.{m}") for m in range(5)] for n in range(9)]
    assert client.upload(client.create(), rows, schema=keys).json()["num_invalid_entries"] == 0
    assert client.meta.audience("VIP")["members"] == rows


def test_order_of_keys_makes_no_other_person(client: Client) -> None:
    """The same person sent with the keys in another order is one member."""
    audience = client.create()
    client.upload(audience, [[digest("e"), digest("p")]], schema=["EMAIL", "PHONE"])
    client.upload(audience, [[digest("p"), digest("e")]], schema=["PHONE", "EMAIL"])
    assert client.meta.audience("VIP")["count"] == 1


def test_value_based_audience_needs_its_value(client: Client) -> None:
    """Every upload to a value-based audience carries LOOKALIKE_VALUE, removals too."""
    audience = client.create(is_value_based=True)
    assert code_of(client.upload(audience, people(1)))[0] == 100
    rows = [[digest(1), 5], [digest(2), -1], [digest(3), 2]]
    assert client.upload(audience, rows, schema=["EMAIL", "LOOKALIKE_VALUE"]).json()["num_invalid_entries"] == 1
    assert code_of(client.upload(audience, people(1), method="DELETE"))[0] == 100
    client.upload(audience, [[digest(1), 0]], schema=["EMAIL", "LOOKALIKE_VALUE"], method="DELETE")
    assert client.meta.audience("VIP")["members"] == [[digest(3), 2]]


@pytest.mark.parametrize(
    "change",
    [
        {"schema": ["E-MAIL"]},
        {"schema": []},
        {"schema": ["EMAIL", "EMAIL"]},
        {"data": []},
        {"data": [[digest(1), digest(2)]]},
        {"data": [digest(1)]},
    ],
)
def test_malformed_payloads(client: Client, change: dict[str, Any]) -> None:
    """What is no upload at all is code 100 and changes nothing."""
    payload = {"schema": ["EMAIL"], "data": people(1), **change}
    answer = client.ask("POST", f"{client.create()}/users", json={"payload": payload})
    assert (answer.status_code, code_of(answer)[0]) == (400, 100)
    assert not client.meta.requests("/users")[0]["applied"]
