"""The simulated Conversions API driven by Meta's own SDK, with its classes of events."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from activation.platforms.request import Answer, Request
from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.content import Content
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.user_data import UserData

from lambdas.meta_conversions.platform import PLATFORM
from sandbox.platforms.meta.settings import DEFAULT_DATASET
from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_sdk import digest, refusal

pytestmark = pytest.mark.usefixtures("api")


def sale(number: int = 1, **more: Any) -> Event:
    """Return a purchase in a shop an hour ago; what is given replaces its parts."""
    bought = CustomData(value=12.5, currency="eur", order_id=f"o-{number}", contents=[Content("A1", quantity=2)])
    parts = {
        "event_name": "Purchase",
        "event_time": int(time.time()) - 3600,
        "event_id": f"e-{number}",
        "action_source": ActionSource.PHYSICAL_STORE,
        "user_data": UserData(email=" Ann@Example.org"),
        "custom_data": bought,
    }
    return Event(**{**parts, **more})


def send(*events: Event, **more: Any) -> Any:
    """Send events as the SDK does."""
    return EventRequest(DEFAULT_DATASET, events=list(events), **more).execute()


def dataset(meta: Outside) -> Any:
    """Return what the dataset holds."""
    return meta.audience(DEFAULT_DATASET)


def test_events_of_the_sdk_are_received_and_counted(meta: Outside) -> None:
    """The SDK hashes the address itself, and the value, the time and the order arrive as they were given."""
    one = sale()
    answer = send(one, sale(2))
    assert (answer.events_received, answer.messages) == (2, [])
    held = dataset(meta)
    assert (held["received"], held["counted"], held["values"]) == (2, 2, {"eur": 25.0})
    event = held["members"][0]
    assert (event["event_time"], event["event_id"], event["action_source"]) == (
        one.event_time,
        "e-1",
        "physical_store",
    )
    assert event["user_data"]["em"] == [digest("ann@example.org")]
    assert event["custom_data"]["contents"][0]["id"] == "A1"


@pytest.mark.parametrize(("deduplicates", "counted", "doubles"), [(True, 1, 0), (False, 2, 1)])
def test_an_event_that_the_sdk_repeats_counts_as_the_mode_says(
    meta: Outside, deduplicates: bool, counted: int, doubles: int
) -> None:
    """Meta promises nothing of two calls of a server with one name and id, so that the simulator does either."""
    meta.configure(deduplicates=deduplicates)
    assert [send(sale()).events_received for _ in range(2)] == [1, 1]
    held = dataset(meta)
    assert (held["received"], held["counted"], held["doubles"]) == (2, counted, doubles)


OLD = int(time.time()) - 8 * 86_400
REFUSED = [
    (sale(2, event_time=OLD, action_source=ActionSource.EMAIL), 2804003, "too_old_for_platform"),
    (sale(2, custom_data=CustomData(value=1.0)), 2804009, "value_missing"),
    (sale(2, user_data=UserData(city="Paris", country_code="fr")), 2804050, "user_data_too_broad"),
]


@pytest.mark.parametrize(("bad", "subcode", "code"), REFUSED, ids=[code for _, _, code in REFUSED])
def test_one_bad_event_refuses_the_request(meta: Outside, bad: Event, subcode: int, code: str) -> None:
    """None of the others counts, and our publisher gives what the SDK raises the code of its own check."""
    error = refusal(lambda: send(sale(1), bad))
    assert (error.api_error_code(), error.api_error_subcode()) == (100, subcode)
    assert meta.state()["audiences"] == []
    request = Request("events", "POST", "", rows=2)
    answer = Answer(error.http_status(), {}, json.dumps(error.body()).encode())
    outcome = PLATFORM.rehearsal().classify(request, answer)
    assert (outcome.code, outcome.about_rows) == (code, True)


def test_events_of_a_shop_may_be_two_months_old(meta: Outside) -> None:
    """What is too old on a website is not in a shop."""
    send(sale(event_time=OLD))
    assert dataset(meta)["counted"] == 1


def test_test_events_are_counted_and_known(meta: Outside) -> None:
    """They count like all others, as Meta's page says."""
    send(sale(), test_event_code="TEST7")
    held = dataset(meta)
    assert (held["counted"], held["tests"]) == (1, {"TEST7": 1})


def test_limited_data_use_is_an_event_s_own(meta: Outside) -> None:
    """The three parts arrive beside the event; without a country and a state Meta refuses them."""
    limited: dict[str, Any] = {"data_processing_options": ["LDU"], "data_processing_options_country": 1}
    send(sale(**limited, data_processing_options_state=1000))
    event = dataset(meta)["members"][0]
    assert [event[f"data_processing_options{part}"] for part in ("", "_country", "_state")] == [["LDU"], 1, 1000]
    assert refusal(lambda: send(sale(2, **limited))).api_error_code() == 100


def test_a_dataset_of_others_is_unknown(meta: Outside) -> None:
    """Whether it does not exist or may not be seen, Meta does not say."""
    error = refusal(lambda: EventRequest("1", events=[sale()]).execute())
    assert (error.api_error_code(), error.api_error_subcode()) == (100, 33)
    meta.configure(tokens=[{"permissions": ["ads_read"]}])
    assert refusal(lambda: send(sale())).api_error_subcode() == 33


def test_the_quality_of_a_dataset_is_read(meta: Outside, api: Any) -> None:
    """The score of each event that it had."""
    meta.configure(match_quality=7.1)
    send(sale())
    fields = "web{event_name,event_match_quality{composite_score}}"
    read = api.call("GET", ("dataset_quality",), {"dataset_id": DEFAULT_DATASET, "fields": fields}).json()
    assert read["web"] == [{"event_name": "Purchase", "event_match_quality": {"composite_score": 7.1}}]
