"""Events through the whole line to the simulated Conversions API: counted once, and each row accounted for."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from hashlib import sha256

import pytest
from activation.drops.messages import read

from sandbox.platforms.meta.settings import DEFAULT_DATASET
from sandbox.platforms.outside import Outside
from tests.platforms.simulators.conversions_line import ConversionsLine
from tests.unit.line.world import ACCOUNT

THROTTLED = {"error": {"code": 80004, "error_subcode": 2446079, "message": "too many calls"}}
WAIT_AN_HOUR = {
    "X-Business-Use-Case-Usage": json.dumps(
        {"1": [{"type": "ads_management", "estimated_time_to_regain_access": 60}]}
    )
}


def test_sales_arrive_as_events_with_their_own_time_value_and_id(meta: Outside) -> None:
    """A file of sales is received whole, each with the time it took place, and the sums of the receipt add up."""
    line = ConversionsLine(meta)
    receipt = line.deliver([line.sale(number) for number in range(25)])
    assert receipt["state"] == "applied"
    line.check_sums(receipt)
    assert receipt["rows"]["acknowledged"] == 25
    assert receipt["in_doubt"] == receipt["event_ids_by_row"] == 0
    events = line.counted()
    assert len(events) == 25
    assert {one["custom_data"]["value"] for one in events} == {12.5}
    assert len({one["event_id"] for one in events}) == 25
    assert all(line.clock.now - one["event_time"] >= 3600 for one in events)
    assert receipt["warnings"] == []


def test_bad_rows_have_a_code_each_and_the_rest_goes_on(meta: Outside) -> None:
    """Each row that Meta would refuse a whole request for is taken out with a code of its own."""
    line = ConversionsLine(meta)
    bad = {
        "event_time_missing": line.sale(1, event_time=""),
        "event_in_future": line.sale(2, ago_s=-600),
        "time_in_milliseconds": line.sale(3, event_time=str(int(line.clock.now * 1000))),
        "time_without_zone": line.sale(4, event_time="2026-11-28 10:00:00"),
        "currency_missing": line.sale(5, currency=""),
        "unknown_action_source": line.sale(6, action_source="moon"),
        "negative_value": line.sale(7, value="-1"),
        "too_old_for_platform": line.sale(8, ago_s=63 * 86_400),
        "unknown_event_name": line.sale(9, event_name="purchse"),
        "user_data_too_broad": line.sale(10, email="", city="Rome"),
        "no_identifier": line.sale(11, email=""),
        "not_an_amount": line.sale(12, value="12 EUR"),
    }
    rows = [row for number, one in enumerate(bad.values()) for row in (line.sale(100 + number), one)]
    receipt = line.deliver(rows, header=(*line.sale(0), "city"))
    line.check_sums(receipt)
    assert receipt["rejected_by_us"] == dict.fromkeys(sorted(bad), 1)
    assert receipt["rejected_by_platform"] == {}
    assert len(line.counted()) == len(bad)
    assert {code for _, _, code in line.rejects(receipt)} == set(bad)


def test_an_order_whose_first_line_alone_has_its_total_counts_once(meta: Outside) -> None:
    """Shopify exports a line for each item, and what is true of the order in the first: that one is the event."""
    line = ConversionsLine(meta, columns={"event_name": "purchase", "action_source": "store"})
    time = line.time().replace("T", " ").replace("+00:00", " +0000")
    order = {"Financial Status": "paid", "Currency": "EUR", "Subtotal": "30.00", "Total": "35.00"}
    names = ("#1001", "#1001", "#1002", "#1003", "#1003")
    rows = [
        {"Name": name, "Email": f"{name[1:]}@example.com", "Created at": time, "Lineitem name": f"item {number}"}
        | (order if number not in (1,) else {})
        for number, name in enumerate(names)
    ]
    receipt = line.deliver(rows, header=("Name", "Email", *order, "Created at", "Lineitem name"))
    line.check_sums(receipt)
    assert receipt["rejected_by_us"] == {"repeated_event_id": 2, "value_missing": 1}
    assert [row for row, _, code in line.rejects(receipt) if code == "value_missing"] == ["2"]
    assert line.dataset()["values"] == {"EUR": 70.0}
    assert {one["custom_data"]["order_id"] for one in line.counted()} == {"#1001", "#1002"}


def test_several_addresses_and_phones_of_a_person_are_sent_with_one_event(meta: Outside) -> None:
    """From two columns, and from lists in one cell; the sale counts once, and its person in each way."""
    line = ConversionsLine(meta)
    rows = [
        line.sale(0, email="a@example.com", email_2="b@example.com", phone="+12025550143"),
        line.sale(1, email="a@example.com; b@example.com;c@example.com", phone="+12025550143 ::: +12025550144"),
        line.sale(2, email="a@example.com", email_2="A@example.com"),
        line.sale(3, email="", email_2="b@example.com"),
    ]
    receipt = line.deliver(rows, header=(*line.sale(0), "email_2", "phone"))
    line.check_sums(receipt)
    assert receipt["rows"]["acknowledged"] == len(line.counted()) == 4
    a, b, c = (sha256(f"{letter}@example.com".encode()).hexdigest() for letter in "abc")
    first, second = (sha256(number.encode()).hexdigest() for number in ("12025550143", "12025550144"))
    events = sorted(line.counted(), key=lambda one: str(one["custom_data"]["order_id"]))
    assert [(one["user_data"].get("em"), one["user_data"].get("ph")) for one in events] == [
        ([a, b], first),
        ([a, b, c], [first, second]),
        (a, None),
        (b, None),
    ]


def test_the_lines_of_an_order_are_not_sent_as_one_of_them(meta: Outside) -> None:
    """Rows that come to one event id are all left out, and the warning says how to send them."""
    line = ConversionsLine(meta)
    rows = [
        *(line.sale(number) for number in range(8)),
        line.sale(3, value="1.00"),
        line.sale(3, event_name="lead"),
    ]
    receipt = line.deliver(rows)
    line.check_sums(receipt)
    assert receipt["rejected_by_us"] == {"repeated_event_id": 2}
    assert {row for row, _, _ in line.rejects(receipt)} == {"4", "9"}
    assert receipt["warnings"][0]["code"] == "event_ids_repeat"
    assert "map a column that differs in each line as event_id" in receipt["warnings"][0]["sentence"]
    assert len(line.counted()) == 8  # the lead of the order is an event of its own


def test_events_without_any_id_count_by_their_row(meta: Outside) -> None:
    """Without ids, the file and the row are the id, which the receipt warns of; a forced replay has the same."""
    line = ConversionsLine(meta)
    rows = [{key: cell for key, cell in line.sale(number).items() if key != "order_id"} for number in range(5)]
    message = line.message(rows)
    line.run(message)
    receipt = line.receipt()
    assert receipt["event_ids_by_row"] == 5
    assert [one["code"] for one in receipt["warnings"]] == ["event_ids_by_row"]
    line.run(forced(line, message))
    assert (line.dataset()["received"], line.dataset()["counted"]) == (10, 5)


@pytest.mark.parametrize("deduplicates", [True, False])
def test_a_replay_by_force_counts_nothing_twice_where_meta_recognises_the_ids(
    meta: Outside, deduplicates: bool
) -> None:
    """All events of a drop that is sent again on purpose are in doubt, and as many count twice at most."""
    meta.configure(deduplicates=deduplicates)
    line = ConversionsLine(meta)
    message = line.message([line.sale(number) for number in range(12)])
    line.run(message)
    line.run(forced(line, message))
    first, second = sorted(one["in_doubt"] for one in line.receipts())
    assert (first, second) == (0, 12)
    assert line.dataset()["doubles"] == (0 if deduplicates else 12)


def forced(line: ConversionsLine, message: str) -> str:
    """Return the message that sends a drop again by force."""
    work = replace(read(message, origins=line.settings.origins, account=ACCOUNT), again="once more")
    return work.next_message()


def test_a_refused_event_is_found_by_halving_and_the_others_are_sent(meta: Outside) -> None:
    """A refusal about what an event holds, which Meta does not name, costs that event alone."""
    line = ConversionsLine(meta, max_rows=16)
    rows = [line.sale(number) for number in range(32)]
    meta.configure(refused_orders=["A-5"])
    receipt = line.deliver(rows)
    line.check_sums(receipt)
    assert receipt["rejected_by_platform"] == {"event_refused": 1}
    assert [row for row, _, _ in line.rejects(receipt)] == ["6"]
    assert len(line.counted()) == 31


def test_a_refusal_that_is_not_about_a_row_is_not_halved(meta: Outside) -> None:
    """A dataset that the token cannot see stops the run after one request, and nothing is rejected."""
    line = ConversionsLine(meta, max_rows=16)
    receipt = line.deliver([line.sale(number) for number in range(16)], dataset="999")
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "dataset_missing")
    assert len(meta.requests("/events")) == 1
    assert receipt["rows"]["rejected_by_platform"] == 0


def test_an_event_that_grows_too_old_while_its_run_waits_is_left_out_then(meta: Outside) -> None:
    """Age is judged when an event is sent, so a run that waited sends what is still young enough."""
    line = ConversionsLine(meta, max_rows=4, in_flight=1)
    rows = [
        line.sale(number, ago_s=7 * 86_400 - 900 + number % 2 * 3600, action_source="crm") for number in range(12)
    ]
    meta.fail(
        {"route": "/events", "skip": 1, "times": 1, "status": 400, "body": THROTTLED, "headers": WAIT_AN_HOUR}
    )
    receipt = line.deliver(rows)
    line.check_sums(receipt)
    assert receipt["rows"]["acknowledged"] == len(line.counted())
    old = receipt["rejected_by_us"]["too_old_for_platform"]
    assert 6 <= old < 12


def test_a_drop_of_events_that_are_all_too_old_fails(meta: Outside) -> None:
    """Nothing that could be sent is no success, and no request is made for it."""
    line = ConversionsLine(meta)
    receipt = line.deliver([line.sale(number, ago_s=70 * 86_400) for number in range(25)])
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "all_rows_rejected")
    assert receipt["rejected_by_us"] == {"too_old_for_platform": 25}
    assert meta.requests("/events") == []


@pytest.mark.parametrize("dataset", ["sales", "web", DEFAULT_DATASET])
def test_the_dataset_is_an_id_a_name_of_the_settings_or_the_secret_s(meta: Outside, dataset: str) -> None:
    """The second part of the key names the dataset."""
    meta.configure(datasets=[DEFAULT_DATASET, "702680145130002"])
    options = {"datasets": "web=702680145130002"} if dataset == "web" else {}
    line = ConversionsLine(meta, options=options)
    receipt = line.deliver([line.sale(1)], dataset=dataset)
    wanted = "702680145130002" if dataset == "web" else DEFAULT_DATASET
    assert receipt["audience"]["id"] == wanted
    assert len(line.counted(wanted)) == 1


def test_a_name_that_the_settings_do_not_have_is_refused(meta: Outside) -> None:
    """With names in the settings, another one is misspelled, and no other dataset gets the events."""
    line = ConversionsLine(meta, options={"datasets": "web=702680145130002"})
    receipt = line.deliver([line.sale(1)], dataset="wbe")
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "unknown_dataset")
    assert meta.requests("/events") == []


def test_test_events_are_sent_by_option_only_and_warned_of(meta: Outside) -> None:
    """The code goes along with every request where the option is set, and the receipt says that they count."""
    line = ConversionsLine(meta, options={"test_event_code": "TEST123"})
    receipt = line.deliver([line.sale(1)])
    assert line.dataset()["tests"] == {"TEST123": 1}
    assert [one["code"] for one in receipt["warnings"]] == ["test_events"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_secret_of_the_sample_works_as_its_text_says(meta: Outside, wrapped: bool) -> None:
    """Token and pixel in base64, or in base64 under one key, are a secret like any other."""
    held = {"access_token": meta.secret()["access_token"], "pixel_id": DEFAULT_DATASET, "endpoint": meta.base_url}
    text = base64.b64encode(json.dumps(held).encode()).decode()
    line = ConversionsLine(meta, secret=json.dumps({"credentials": text}) if wrapped else text)
    assert line.deliver([line.sale(1)])["state"] == "applied"
    assert len(line.counted()) == 1


@pytest.mark.parametrize("key", ["raw", "email", "email_sha256"])
def test_people_are_no_events(meta: Outside, key: str) -> None:
    """A connector of events refuses a key that declares people, and names what it takes."""
    line = ConversionsLine(meta)
    line.run(line.event(line.put("email\na@example.com\n", f"shop/sales/{key}/day.csv")))
    receipt = line.receipt()
    assert receipt["reason"]["code"] == "unknown_identifiers"
    assert "none of events;" in receipt["reason"]["sentence"]
