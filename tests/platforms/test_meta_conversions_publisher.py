"""What is special to Meta's Conversions API: its events as JSON, its datasets, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest
from activation.errors import Rejected
from activation.model import Audience
from activation.platforms.account import AdAccount
from activation.platforms.credentials import Credentials
from activation.platforms.options import Value, complete
from activation.platforms.platform import Examination
from activation.platforms.request import Answer
from activation.platforms.upload import Batch
from hypothesis import given
from hypothesis import strategies as st

from lambdas.meta_conversions.payload import events
from lambdas.meta_conversions.platform import PLATFORM
from lambdas.meta_conversions.publisher import ConversionsPublisher, dataset_of
from tests.platforms.conversation import answer

DIGEST = "a" * 64
TEXTS = {"event_name", "event_id", "event_source_url", "order_id", "content_name", "em", "client_user_agent"}
NUMBERS = {"event_time": "1795168800", "value": "12.50", "num_items": "2"}


def publisher(**options: Value) -> ConversionsPublisher:
    """Return the publisher of a dataset with some options."""
    account = AdAccount("42", PLATFORM.account.endpoint, complete(PLATFORM.options, options))
    return ConversionsPublisher(account)


def batch(columns: Mapping[str, Sequence[str | None]]) -> Batch:
    """Return a batch of columns."""
    table = pa.table({key: pa.array(cells, pa.string()) for key, cells in columns.items()})
    return Batch("run", 1, table.num_rows, table, pa.array(range(1, table.num_rows + 1)))


def sent(columns: Mapping[str, Sequence[str | None]], **options: Value) -> list[Any]:
    """Return the bodies of a batch's requests."""
    one = publisher(**options)
    opened = one.planned(tuple(columns))
    uploads = one.uploads(batch(columns))
    return [json.loads(one.encode(upload, Audience("c", "d"), opened).content) for upload in uploads]


def test_an_event_has_its_parts_where_meta_wants_them() -> None:
    """What describes the event, its person, what was bought and the app each have their object."""
    (body,) = sent(
        {
            "event_name": ["Purchase"],
            "event_time": ["1795168800"],
            "event_id": ["e-1"],
            "action_source": ["app"],
            "em": [DIGEST],
            "madid": ["id"],
            "value": ["12.50"],
            "currency": ["EUR"],
            "contents": ['[{"id":"a","quantity":1}]'],
            "advertiser_tracking_enabled": ["1"],
            "data_processing_options": ["LDU"],
        }
    )
    assert body == {
        "data": [
            {
                "event_name": "Purchase",
                "event_time": 1795168800,
                "event_id": "e-1",
                "action_source": "app",
                "data_processing_options": ["LDU"],
                "data_processing_options_country": 0,
                "data_processing_options_state": 0,
                "user_data": {"em": DIGEST, "madid": "id"},
                "custom_data": {"value": 12.5, "currency": "EUR", "contents": [{"id": "a", "quantity": 1}]},
                "app_data": {"advertiser_tracking_enabled": 1},
            }
        ]
    }


def test_several_addresses_of_a_person_are_a_list_in_one_event() -> None:
    """A line for each of them would be an event for each; a person with one address has it as before."""
    (body,) = sent({"event_name": ["Lead"] * 3, "em": [f"{DIGEST},{'b' * 64}", "c" * 64, None], "ph": [None] * 3})
    assert [event["user_data"] for event in body["data"]] == [{"em": [DIGEST, "b" * 64]}, {"em": "c" * 64}, {}]


CELLS = st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(data=st.data(), lines=st.integers(1, 6))
def test_whatever_is_filled_a_request_is_the_json_of_its_cells(data: st.DataObject, lines: int) -> None:
    """Each event has exactly its filled cells, whichever columns there are, and whatever the texts hold."""
    keys = data.draw(st.lists(st.sampled_from(sorted(TEXTS)), unique=True, min_size=1))
    columns: dict[str, list[str | None]] = {
        key: data.draw(st.lists(CELLS, min_size=lines, max_size=lines)) for key in keys
    }
    for key in data.draw(st.sets(st.sampled_from(sorted(NUMBERS)))):
        columns[key] = data.draw(st.lists(st.none() | st.just(NUMBERS[key]), min_size=lines, max_size=lines))
    for key in {"event_name", "em"} & columns.keys():  # words of our own, and digests: nothing to escape
        columns[key] = [cell and DIGEST for cell in columns[key]]
    if "event_name" not in columns:
        columns = {"event_name": ["Lead"] * lines, **columns}
    columns["event_name"] = [cell or "Lead" for cell in columns["event_name"]]
    written = pa.record_batch({key: pa.array(cells, pa.string()) for key, cells in columns.items()})
    found = json.loads(b"[" + bytes(events(written)) + b"]")
    assert len(found) == lines
    for line, event in enumerate(found):
        flat = {key: value for key, value in event.items() if not isinstance(value, dict)}
        for part in ("user_data", "custom_data"):
            flat |= event.get(part, {})
        cells = {key: of_key[line] for key, of_key in columns.items() if of_key[line] is not None}
        assert flat == {key: json.loads(str(cell)) if key in NUMBERS else cell for key, cell in cells.items()}


def test_events_of_shops_are_sent_by_themselves() -> None:
    """Those may be older, and nothing is published of a request that mixes them with others."""
    columns = {"event_name": ["Lead"] * 3, "action_source": ["website", "physical_store", "email"]}
    one = publisher()
    uploads = one.uploads(batch(columns))
    assert [(upload.key, upload.rows.to_pylist()) for upload in uploads] == [("0", [1, 3]), ("1", [2])]


@pytest.mark.parametrize(
    ("name", "datasets", "wanted"),
    [
        ("123", "", "123"),
        ("sales", "", "42"),
        ("web", "web=1, shops = 2", "1"),
        ("shops", "web=1, shops = 2", "2"),
        ("7", "web=1", "7"),
    ],
)
def test_a_dataset_is_found_by_id_by_name_or_by_the_secret(name: str, datasets: str, wanted: str) -> None:
    """No call is made for it."""
    assert dataset_of(name, publisher(datasets=datasets).account) == wanted


def test_a_misspelled_name_is_not_the_secret_s_dataset() -> None:
    """Where names are given, one that is not among them is a mistake."""
    with pytest.raises(Rejected, match="web") as caught:
        dataset_of("wbe", publisher(datasets="web=1").account)
    assert caught.value.code == "unknown_dataset"


def test_a_test_code_is_sent_with_the_option_only() -> None:
    """And the note that becomes the receipt's warning comes with it."""
    columns = {"event_name": ["Lead"]}
    assert "test_event_code" not in sent(columns)[0]
    assert sent(columns, test_event_code="TEST1")[0]["test_event_code"] == "TEST1"
    assert set(publisher(test_event_code="TEST1").planned(()).notes) == {"test_events"}


QUALITY = {"web": [{"event_name": "Purchase", "event_match_quality": {"composite_score": 6.25}}]}


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (answer(QUALITY), "match quality of 10: Purchase 6.2"),
        (answer({"web": []}), "has had no event"),
        (answer({"error": {"code": 100}}, 400), "does not tell this token"),
        (answer("<html>", 502), "does not tell this token"),
        (answer({"web": [{"event_name": 1, "event_match_quality": "good"}]}), "does not tell this token"),
    ],
    ids=["told", "no event", "refused", "gateway", "another shape"],
)
def test_doctor_shows_how_well_events_match(told: Answer, says: str) -> None:
    """The score of each event, where Meta tells it; that it does not is no failure of the connector."""
    answers = iter([answer({"id": "42", "name": "web", "is_unavailable": False}), told])
    own = AdAccount("42", "https://graph.facebook.com", complete(PLATFORM.options, {}))
    asked = Examination(Credentials({"access_token": "t"}), own, "", lambda _: next(answers))
    (found,) = (one for one in PLATFORM.load().examine(asked) if one.check == "dataset quality")
    assert found.ok
    assert says in found.says
