"""The simulated Meta's fields of an audience, and where an audience says that its people come from."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_client import Client, code_of, people


@pytest.fixture
def client(meta: Outside) -> Client:
    """Return a client with the default secret."""
    return Client.of(meta)


def test_fields_that_exist_and_have_no_value_are_left_out(client: Client) -> None:
    """A field of other kinds of audiences is not an error, as one that does not exist is."""
    audience = client.create()
    for fields in ("name,rule,lookalike_spec,sharing_status,delete_time", "name"):
        assert client.ask("GET", audience, params={"fields": fields}).json() == {"name": "VIP", "id": audience}
    assert code_of(client.ask("GET", audience, params={"fields": "name,invented"}))[0] == 100


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ({"type": "FILE_IMPORTED", "sub_type": "HASHES"}, None),
        ({"type": "FILE_IMPORTED", "sub_type": "EMAILS"}, 100),
        ({"type": "CRM", "sub_type": "HASHES"}, 100),
        ("FILE_IMPORTED", 100),
    ],
)
def test_a_data_source_has_known_values(client: Client, source: Any, code: int | None) -> None:
    """An upload, and a create, with another type or sub type is refused as a whole."""
    audience = client.create()
    payload = {"schema": ["EMAIL"], "data": people(2), "data_source": source}
    wanted = {"name": "B", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    for answer in (
        client.ask("POST", f"{audience}/users", json={"payload": payload}),
        client.ask("POST", f"{client.account}/customaudiences", json={**wanted, "data_source": source}),
    ):
        assert answer.json().get("error", {}).get("code") == code
    assert client.meta.audience("VIP")["count"] == (2 if code is None else 0)
