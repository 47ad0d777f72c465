"""The simulated Meta against the limits and quotas that Meta publishes, over plain HTTP."""

import json

import pytest

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_client import Client, code_of, people


@pytest.fixture
def client(meta: Outside) -> Client:
    """Return a client with the default secret."""
    return Client.of(meta)


def test_ten_thousand_rows_and_no_more(client: Client) -> None:
    """10,000 rows are taken; one more is code 105, and thirty thousand the unknown error that looks transient."""
    audience = client.create()
    assert client.upload(audience, people(10_000)).json()["num_received"] == 10_000
    assert code_of(client.upload(audience, people(10_001))) == (105, None)
    answer = client.upload(audience, people(30_000))
    assert (answer.status_code, code_of(answer)) == (500, (1, 99))
    assert client.meta.state(members=False)["audiences"][0]["count"] == 10_000


def test_at_most_a_hundred_samples(client: Client) -> None:
    """However many rows are invalid, a hundred are shown."""
    answer = client.upload(client.create(), [[f"row {number}"] for number in range(150)]).json()
    assert (answer["num_invalid_entries"], len(answer["invalid_entry_samples"])) == (150, 100)


def test_five_hundred_audiences(client: Client) -> None:
    """An ad account holds 500 customer-file audiences; a 501st is refused."""
    client.meta.configure(audiences=[{"name": f"audience {number}"} for number in range(500)])
    wanted = {"name": "one more", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    assert code_of(client.ask("POST", f"{client.account}/customaudiences", json=wanted))[0] == 2654


def test_new_audience_not_known_everywhere(client: Client) -> None:
    """With `early_calls` the first uploads after create are code 803, then they work."""
    client.meta.configure(early_calls=2)
    audience = client.create()
    answers = [client.upload(audience, people(1)) for _ in range(3)]
    assert [one.status_code == 200 for one in answers] == [False, False, True]
    assert code_of(answers[0])[0] == 803


def test_usage_headers_differ_by_call(client: Client) -> None:
    """Uploads carry the account's and the app's usage, all else the business one with minutes."""
    audience = client.create()
    upload = client.upload(audience, people(1))
    assert "X-Ad-Account-Usage" in upload.headers
    assert "X-App-Usage" in upload.headers
    assert "X-Business-Use-Case-Usage" not in upload.headers
    read = client.ask("GET", f"{client.account}/customaudiences")
    usage = json.loads(read.headers["X-Business-Use-Case-Usage"])[client.account.removeprefix("act_")][0]
    assert usage["type"] == "custom_audience"


def test_blocked_calls_lengthen_the_block(client: Client) -> None:
    """On Limited the block lasts 300 s from the last call made while blocked, as the seconds header says."""
    client.meta.configure(tier="limited")
    audience = client.create()
    for number in range(19):
        client.upload(audience, people(1, str(number)))
    answer = client.upload(audience, people(1))
    assert code_of(answer) == (17, 2446079)
    usage = json.loads(answer.headers["X-Ad-Account-Usage"])
    assert (usage["acc_id_util_pct"], usage["reset_time_duration"]) == (100, 300)
    client.meta.advance(200)
    assert code_of(client.upload(audience, people(1)))[0] == 17
    client.meta.advance(200)
    assert code_of(client.upload(audience, people(1)))[0] == 17
    client.meta.advance(301)
    assert client.upload(audience, people(1)).status_code == 200


def test_hourly_quota(client: Client) -> None:
    """Beyond the hour's calls it is 80003, with the minutes to wait in the business header."""
    client.meta.configure(hourly_quota=2)
    audience = client.create()
    client.upload(audience, people(1))
    answer = client.upload(audience, people(1))
    assert code_of(answer) == (80003, 2446079)
    usage = json.loads(answer.headers["X-Business-Use-Case-Usage"])
    (one,) = next(iter(usage.values()))
    assert one["estimated_time_to_regain_access"] == 60
    client.meta.advance(3601)
    assert client.upload(audience, people(1)).status_code == 200
