"""The simulated Amazon Ads API, driven by python-amazon-ad-api: a client nobody here wrote."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests
from ad_api.api import Stream
from ad_api.auth import AccessTokenClient
from ad_api.auth.exceptions import AuthorizationError
from ad_api.base import Marketplaces
from ad_api.base.exceptions import AdvertisingApiException

from sandbox.platforms.outside import Outside

QUEUE = "arn:aws:sqs:us-east-1:111122223333:AmzStream-NA-sp-traffic-IngressQueue26236266-1"


@pytest.fixture
def stream(api: Outside, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the library's own client, its two addresses turned to the simulator."""
    for name in ("AD_API_REFRESH_TOKEN", "AD_API_CLIENT_ID", "AD_API_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(AccessTokenClient, "scheme", "http://")
    monkeypatch.setattr(AccessTokenClient, "host", api.base_url.removeprefix("http://"))
    secret = api.secret()
    credentials = {key: secret[key] for key in ("refresh_token", "client_id", "client_secret", "profile_id")}
    client = Stream(marketplace=Marketplaces.NA, credentials=credentials)
    client.endpoint = api.base_url
    return client


def body(**changes: Any) -> dict[str, Any]:
    """Make a request to subscribe a queue."""
    return {"clientRequestToken": str(uuid.uuid4()), "dataSetId": "sp-traffic", "destinationArn": QUEUE, **changes}


def refused(status: int, call: Any, *arguments: Any, **named: Any) -> str:
    """Make a call that must be refused; returns the message."""
    with pytest.raises(AdvertisingApiException) as caught:
        call(*arguments, **named)
    assert caught.value.code == status
    return str(caught.value.error["message"])


def test_a_subscription_from_beginning_to_end(stream: Any) -> None:
    """Created, seen, noted, archived; the older form of the destination is shown in both forms."""
    made = stream.create_subscription(body=body(notes="one")).payload
    shown = stream.get_subscription(made["subscriptionId"]).payload["subscription"]
    assert shown["status"] == "ACTIVE"
    assert shown["destination"] == {"sqsDestination": {"queueArn": QUEUE}}
    assert shown["destinationArn"] == QUEUE
    assert stream.update_subscription(made["subscriptionId"], body={"status": "ARCHIVED"}).payload == {}
    (listed,) = stream.list_subscriptions().payload["subscriptions"]
    assert (listed["status"], listed["notes"]) == ("ARCHIVED", "one")


def test_states_follow_the_clock(stream: Any, api: Outside) -> None:
    """A queue's subscription is provisioned, waits to be confirmed, and fails after two days."""
    api.configure(provisioning_s=60, confirms=False, token_lifetime_s=1e7)
    made = stream.create_subscription(body=body()).payload["subscriptionId"]

    def status() -> str:
        return str(stream.get_subscription(made).payload["subscription"]["status"])

    assert status() == "PROVISIONING"
    api.advance(61)
    assert status() == "PENDING_CONFIRMATION"
    api.advance(2 * 86_400)
    assert status() == "FAILED_CONFIRMATION"


def test_the_same_request_makes_one_subscription(stream: Any) -> None:
    """A retry with the token of before is the same subscription, another token is a conflict."""
    request = body()
    assert stream.create_subscription(body=request).payload == stream.create_subscription(body=request).payload
    assert "more than one subscription" in refused(409, stream.create_subscription, body=body())
    stream.create_subscription(body=body(destinationArn=QUEUE + "2"))
    third = body(destinationArn=QUEUE + "3")
    assert "more than two" in refused(409, stream.create_subscription, body=third)


@pytest.mark.parametrize(
    "changes",
    [
        {"clientRequestToken": "too-short"},
        {"clientRequestToken": "x" * 37},
        {"notes": "x" * 129},
        {"destinationArn": "arn"},
        {"destinationArn": QUEUE.replace("us-east-1", "eu-west-1")},
        {"destination": {"sqsDestination": {"queueArn": QUEUE}}},
        {"dataSetId": "adsp-traffic"},
        {"dataSetId": 7},
    ],
)
def test_requests_the_description_forbids_are_refused(stream: Any, changes: dict[str, Any]) -> None:
    """Lengths, types and the number of destinations are held against the description of the API."""
    refused(400, stream.create_subscription, body=body(**changes))


def test_paging_gives_everything_once(stream: Any) -> None:
    """Pages follow each other by their token until there is none."""
    for number, dataset in enumerate(("sp-traffic", "sb-traffic", "sd-traffic")):
        stream.create_subscription(body=body(dataSetId=dataset, destinationArn=f"{QUEUE}{number}"))
    first = stream.list_subscriptions(maxResults=2).payload
    second = stream.list_subscriptions(maxResults=2, startingToken=first["nextToken"]).payload
    assert len(first["subscriptions"]) == 2
    assert len(second["subscriptions"]) == 1
    assert "nextToken" not in second
    refused(400, stream.list_subscriptions, maxResults=0)


def test_strangers_are_turned_away(stream: Any, api: Outside) -> None:
    """Another profile is refused, a dead token is refused, another secret gets no token."""
    stream.credentials["profile_id"] = "1"
    refused(403, stream.list_subscriptions)
    answer = requests.get(
        f"{api.base_url}/streams/subscriptions", headers={"Authorization": "Bearer x"}, timeout=5
    )
    assert answer.status_code == 401
    bad = AccessTokenClient(credentials={**api.secret(), "client_secret": "wrong"})
    bad.cred.refresh_token = "another"
    with pytest.raises(AuthorizationError):
        bad.get_auth()


def test_a_trailing_slash_is_another_address(stream: Any, api: Outside) -> None:
    """The API takes no slash at the end."""
    answer = requests.get(f"{api.base_url}/streams/subscriptions/", headers=stream.headers, timeout=5)
    assert answer.status_code == 404
