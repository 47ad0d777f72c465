"""The simulated Snapchat against the limits Snap publishes, over plain HTTP: what is refused and what is not."""

import json
from typing import Any

import pytest
import requests

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.snapchat_client import EMAIL, MAID, PHONE, Client, people, refresh, refused


@pytest.fixture
def client(snapchat: Outside) -> Client:
    """Return a client with the default secret."""
    return Client.of(snapchat)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "n" * 376}, "name"),
        ({"name": 7}, "name"),
        ({"source_type": None}, "source_type"),
        ({"source_type": "LOOKALIKE"}, "source_type"),
        ({"ad_account_id": None}, "ad_account_id"),
        ({"ad_account_id": "another"}, "ad_account_id"),
        ({"retention_in_days": 0}, "retention_in_days"),
        ({"retention_in_days": 10_000}, "retention_in_days"),
        ({"retention_in_days": "180"}, "retention_in_days"),
        ({"retention_in_days": True}, "retention_in_days"),
        ({"description": 7}, "description"),
    ],
)
def test_segments_that_are_refused(client: Client, change: dict[str, Any], named: str) -> None:
    """A segment without what Snap requires, or out of its range, is refused by the name of its field."""
    assert named in refused(client.create(**change))
    assert client.snapchat.state()["audiences"] == []


@pytest.mark.parametrize(
    "change", [{"name": "n" * 375}, {"retention_in_days": 1}, {"retention_in_days": 9999}, {"name": "ï"}]
)
def test_segments_at_their_limits(client: Client, change: dict[str, Any]) -> None:
    """The longest name and the shortest and longest retention are accepted as they are."""
    segment = client.created(**change)
    assert {key: client.shown(segment)[key] for key in change} == change


def test_hundred_thousand_identifiers_and_no_more(client: Client) -> None:
    """100,000 identifiers are accepted; one more is refused and changes nothing."""
    segment, rows = client.created(), people(100_001)
    assert "100001" in refused(client.users(segment, rows))
    assert client.snapchat.audience("VIP")["count"] == 0
    assert client.users(segment, rows[:-1]).json()["users"][0]["user"] == {"number_uploaded_users": 100_000}
    assert client.snapchat.state(members=False)["audiences"][0]["count"] == 100_000


def test_limit_of_identifiers_can_be_lowered(client: Client) -> None:
    """`max_rows` makes the limit one that small tests can reach."""
    client.snapchat.configure(max_rows=2)
    segment = client.created()
    refused(client.users(segment, people(3)))
    assert client.users(segment, people(2)).status_code == 200


@pytest.mark.parametrize(
    "schema", [[EMAIL, PHONE], [], EMAIL, ["EMAIL"], ["email_sha256"], [7], None], ids=lambda one: f"schema {one}"
)
def test_schemas_that_are_refused(client: Client, schema: Any) -> None:
    """A request has one kind of identifier, in a list, by its own name."""
    segment = client.created()
    width = len(schema) if isinstance(schema, list) else 1
    rows = [people(1)[0] * width]
    assert "schema" in refused(client.users(segment, rows, schema))


@pytest.mark.parametrize("schema", [EMAIL, PHONE, MAID])
def test_every_kind_is_accepted(client: Client, schema: str) -> None:
    """E-mail, phone and mobile ad id are accepted."""
    segment = client.created()
    assert client.users(segment, people(2), [schema]).status_code == 200
    assert client.snapchat.audience("VIP")["schemas"] == [{"schema": [schema], "count": 2}]


HASH = people(1)[0][0]


@pytest.mark.parametrize(
    "rows",
    [
        [[HASH], ["someone@example.com"]],
        [[HASH.upper()]],
        [[HASH[:-1]]],
        [[HASH + "0"]],
        [[HASH[:-1] + "g"]],
        [[f" {HASH[1:]}"]],
        [[HASH[:-2] + "  "]],
        [[HASH + HASH]],
        [[""]],
        [[None]],
        [[7]],
        [HASH],
        [[]],
        [[HASH, HASH]],
        [],
        None,
        HASH,
    ],
    ids=[
        "plain",
        "upper case",
        "63 digits",
        "65 digits",
        "no hexadecimal",
        "space before",
        "spaces after",
        "two in one",
        "empty",
        "null",
        "number",
        "no list",
        "empty row",
        "two cells",
        "no rows",
        "no data",
        "data is text",
    ],
)
def test_rows_that_are_refused(client: Client, rows: Any) -> None:
    """One row that is not a list of one lower-case SHA-256 refuses the request, whatever its other rows hold."""
    segment = client.created()
    assert "data" in refused(client.users(segment, rows))
    assert client.snapchat.audience("VIP")["members"] == []


def test_lengths_that_even_out(client: Client) -> None:
    """A row too short beside one too long is refused although together they have the right length."""
    segment = client.created()
    refused(client.users(segment, [[HASH[:-2]], [HASH + "00"]]))


def test_refusals_do_not_repeat_values(client: Client) -> None:
    """No answer to a refused upload holds a value that was sent."""
    segment = client.created()
    answer = client.users(segment, [["someone@example.com"]])
    assert "someone" not in answer.text


@pytest.mark.parametrize("body", [[], {}, {"users": {}}, {"users": []}, {"users": [1]}, {"users": [{}, {}]}])
def test_bodies_without_users(client: Client, body: Any) -> None:
    """`users` has to be a list of one object."""
    assert "users" in refused(client.ask("POST", f"segments/{client.created()}/users", json=body))


GOOD_BODY = json.dumps({"users": [{"schema": [EMAIL], "data": people(1)}]}).encode()

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("data", "headers", "named"),
    [
        (GOOD_BODY[:-1], JSON, "JSON"),
        (b"", JSON, "JSON"),
        (GOOD_BODY, {"Content-Type": "text/plain"}, "Content-Type"),
        (GOOD_BODY, {}, "Content-Type"),
        (GOOD_BODY, {**JSON, "Content-Encoding": "gzip"}, "compressed"),
    ],
    ids=["broken", "empty", "other type", "no type", "compressed"],
)
def test_bodies_that_are_not_read(client: Client, data: bytes, headers: dict[str, str], named: str) -> None:
    """A body that is not JSON, not called JSON or compressed is refused."""
    answer = client.ask("POST", f"segments/{client.created()}/users", data=data, headers=headers)
    assert named in refused(answer)


def test_content_type_may_name_its_charset(client: Client) -> None:
    """Content-Type may have a parameter."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = client.ask("POST", f"segments/{client.created()}/users", data=GOOD_BODY, headers=headers)
    assert answer.status_code == 200


def test_id_in_the_body_is_optional(client: Client) -> None:
    """`users[0].id` may repeat the segment of the path; another one is refused."""
    segment = client.created()
    assert client.users(segment, people(1), id=segment).status_code == 200
    refused(client.users(segment, people(1), id="1"))


def test_ad_account_of_somebody_else(client: Client) -> None:
    """An ad account the user may not act for, and every segment of it, is 403 with E3002."""
    client.snapchat.configure(ad_accounts=[client.account, "another"])
    segment = client.created(account="another")
    client.snapchat.configure(ad_accounts=[client.account])
    answers = [
        client.create(account="another"),
        client.ask("GET", "adaccounts/another/segments"),
        client.ask("GET", f"segments/{segment}"),
        client.users(segment, people(1)),
        client.users(segment, people(1), method="DELETE"),
        client.ask("DELETE", f"segments/{segment}/all_users"),
    ]
    said = {(one.status_code, one.json()["request_status"], one.json()["error_code"]) for one in answers}
    assert said == {(403, "ERROR", "E3002")}
    assert client.snapchat.audience("VIP")["count"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "segments/1"),
        ("POST", "segments/1/users"),
        ("DELETE", "segments/1/users"),
        ("DELETE", "segments/1/all_users"),
        ("GET", "segments"),
        ("GET", "segments/"),
        ("GET", "segments//users"),
        ("GET", "segments/1/users/"),
        ("GET", "adaccounts/1"),
        ("GET", "nothing/1/users"),
    ],
)
def test_what_is_not_there(client: Client, method: str, path: str) -> None:
    """An unknown segment, and a path the API does not have, is 404 with E3003."""
    body = {"users": [{"schema": [EMAIL], "data": people(1)}]}
    answer = client.ask(method, path, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "E3003")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "segments/{}"), ("GET", "segments/{}/users"), ("POST", "segments/{}/all_users")]
)
def test_methods_an_endpoint_does_not_have(client: Client, method: str, path: str) -> None:
    """Another method than the endpoint's is 405."""
    assert client.ask(method, path.format(client.created())).status_code == 405


def test_rate_of_a_token(client: Client) -> None:
    """One call more than the average allows is 429 with no time to come back; the window's end lets calls pass."""
    client.snapchat.configure(token_rate=0.03, rate_window_s=100)
    path = f"adaccounts/{client.account}/segments"
    answers = [client.ask("GET", path) for _ in range(5)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
    assert "Retry-After" not in answers[3].headers
    assert not answers[3].text.startswith("{")
    client.snapchat.advance(101)
    assert client.ask("GET", path).status_code == 200


def test_rate_of_the_app(client: Client) -> None:
    """Another access token has an allowance of its own, within the app's, which all of them share."""
    client.snapchat.configure(token_rate=0.02, app_rate=0.03, rate_window_s=100)
    other = Client.of(client.snapchat)
    path = f"adaccounts/{client.account}/segments"
    answers = [one.ask("GET", path).status_code for one in (client, client, client, other, other)]
    assert answers == [200, 200, 429, 200, 429]


def test_published_rates_hold_by_default(snapchat: Outside) -> None:
    """Ten calls a second of one token and twenty of the app are what a test finds that sets no rate."""
    snapchat.reset()
    snapchat.configure(rate_window_s=5)
    tokens = [Client.of(snapchat).token for _ in range(3)]
    statuses = []
    with requests.Session() as session:
        for token, calls in zip(tokens, (51, 50, 1), strict=True):
            headers = {"Authorization": f"Bearer {token}"}
            url = f"{snapchat.base_url}/v1/segments/1"
            statuses.append([session.get(url, headers=headers, timeout=30).status_code for _ in range(calls)])
    assert statuses == [[404] * 50 + [429], [404] * 50, [429]]


def test_throttled_call_changes_nothing(client: Client) -> None:
    """A call over the limit is not applied; its row in the journal knows what was sent."""
    segment = client.created()
    client.snapchat.configure(token_rate=0.01, rate_window_s=100)
    assert client.users(segment, people(2)).status_code == 429
    (row,) = client.snapchat.requests("/users")
    assert (row["applied"], row["rows"], row["status"]) == (False, 2, 429)
    assert client.snapchat.audience("VIP")["count"] == 0


def test_refreshes_are_not_throttled(snapchat: Outside) -> None:
    """The token endpoint is outside the API's rate limits."""
    snapchat.configure(token_rate=0.01, app_rate=0.01, rate_window_s=100)
    assert [refresh(snapchat).status_code for _ in range(3)] == [200, 200, 200]
