"""Options of one audience at the simulators: what it is created with, what each row says, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from activation.audience_options import AudienceOptions
from activation.errors import ConfigError
from activation.model import Action, Audience
from activation.platforms.audience_options import option_mistakes, read_options
from activation.platforms.platform import Platform

from lambdas.meta.platform import PLATFORM as META
from lambdas.snapchat.platform import PLATFORM as SNAPCHAT
from lambdas.tiktok.platform import PLATFORM as TIKTOK
from sandbox.platforms.outside import Outside
from tests.platforms.signing import account_of, signer_of
from tests.platforms.simulators.meta_line import MetaLine
from tests.platforms.simulators.snapchat_client import Client
from tests.platforms.simulators.test_publishers_over_http import Line, digest, upload
from tests.unit.line.platform import hashed
from tests.unit.line.world import people

NAME = "VIP"
FIRST_ID = "23860000000000101"  # of the first audience that a simulator makes
LINK = "https://example.com/opt-out"


@pytest.fixture
def line(meta: Outside, monkeypatch: pytest.MonkeyPatch) -> Iterator[MetaLine]:
    """Return the line to Meta, with no audience yet."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    one = MetaLine(meta)
    yield one
    assert one.queue == []


def say(line: MetaLine, **options: object) -> None:
    """Write the audience's file."""
    line.put(json.dumps(options), f"meta/{NAME}/_audience.json")


def rows_of(line: MetaLine) -> list[Any]:
    """Return the rows that the audience holds, as sent."""
    rows: list[Any] = line.meta.audience(NAME)["members"]
    return rows


def options(platform: Platform, **given: object) -> AudienceOptions:
    """Return options that fit the platform."""
    assert option_mistakes(platform.audience_options, given) == {}
    return read_options(given)


def days_between(first: str, second: str) -> int:
    """Return the days between two times as TikTok writes them."""
    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).days


def deliver_rows(line: MetaLine, text: str, action: str = "add", file: str = "rows.csv") -> dict[str, Any]:
    """Drop a file of rows, see it through, and return its receipt."""
    before = {one["run_id"] for one in line.receipts()}
    line.run(line.event(line.put(text, f"meta/{NAME}/raw/{action}/{file}")))
    (receipt,) = [one for one in line.receipts() if one["run_id"] not in before]
    return receipt


def test_meta_creates_an_audience_as_its_options_say(line: MetaLine) -> None:
    """Description, retention, source and opt-out link are the audience's own; the connector's source is not."""
    source = "PARTNER_PROVIDED_ONLY"
    say(line, description="Best", retention_days=30, customer_file_source=source, opt_out_link=LINK)
    receipt = line.deliver(people(3), "add")
    assert receipt["state"] == "applied"
    assert line.meta.audience(NAME)["created_with"] == {
        "description": "Best",
        "customer_file_source": source,
        "retention_days": 30,
        "is_value_based": False,
        "opt_out_link": LINK,
    }
    again = line.deliver(people(3, start=10), "add", "b.csv")
    assert "options_differ" not in again["platform_notes"]


@pytest.mark.parametrize("action", ["add", "replace"])
def test_meta_limits_the_use_of_every_row_that_is_added(line: MetaLine, action: str) -> None:
    """Each row says it, with numbers where the options have them; the identifiers stay as they are."""
    say(line, limited_data_use=True)
    line.deliver(people(3), action)
    assert rows_of(line) == [[hashed(one), ["LDU"]] for one in people(3)]
    say(line, limited_data_use={"country": 1, "state": 1000})
    line.deliver(people(13, start=20), action, "b.csv")
    assert sorted(rows_of(line)[-13:]) == sorted([hashed(one), ["LDU"], 1, 1000] for one in people(13, start=20))


def test_meta_removes_people_whose_data_is_of_limited_use(line: MetaLine) -> None:
    """A removal names people as ever."""
    say(line, limited_data_use=True)
    line.deliver(people(3), "add")
    line.deliver(people(2), "remove", "gone.csv")
    assert rows_of(line) == [[hashed(people(3)[2]), ["LDU"]]]


@pytest.mark.parametrize("action", ["add", "replace"])
def test_meta_fills_a_value_based_audience_with_values(line: MetaLine, action: str) -> None:
    """Every row carries its value; a row without one is rejected by us, by number."""
    say(line, value_based=True, limited_data_use=True)
    receipt = deliver_rows(
        line, "email,LOOKALIKE_VALUE\na@example.com,12.5\nb@example.com,\nc@example.com,0\n", action
    )
    assert receipt["columns"]["used"] == {"email": "EMAIL", "LOOKALIKE_VALUE": "LOOKALIKE_VALUE"}
    assert receipt["rejected_by_us"] == {"required_missing": 1}
    assert receipt["rows"]["acknowledged"] == 2
    assert line.meta.audience(NAME)["created_with"]["is_value_based"] is True
    assert rows_of(line) == [[hashed("a@example.com"), "12.5", ["LDU"]], [hashed("c@example.com"), "0", ["LDU"]]]
    gone = deliver_rows(line, "email,LOOKALIKE_VALUE\na@example.com,12.5\n", "remove", "gone.csv")
    assert gone["state"] == "applied"
    assert len(rows_of(line)) == 1


def test_meta_is_sent_nothing_without_values_for_a_value_based_audience(line: MetaLine) -> None:
    """A drop without a column of values is refused before Meta is asked anything."""
    say(line, value_based=True)
    receipt = line.deliver(people(3), "add")
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "required_column_missing")
    assert line.meta.requests() == []


def test_meta_does_not_make_an_audience_value_based_that_exists(line: MetaLine) -> None:
    """The run is blocked before anything is sent, and says that it cannot be changed."""
    line.deliver(people(3), "add")
    say(line, value_based=True)
    receipt = deliver_rows(line, "email,LOOKALIKE_VALUE\na@example.com,12.5\n", file="values.csv")
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "audience_differs")
    assert len(rows_of(line)) == 3


def test_meta_keeps_an_audience_as_it_was_created(line: MetaLine) -> None:
    """Where its options say otherwise, the receipt notes which, and the people are sent."""
    line.deliver(people(3), "add")
    say(line, description="Best", retention_days=30)
    receipt = line.deliver(people(3, start=10), "add", "b.csv")
    assert receipt["state"] == "applied"
    assert "description, retention_days" in receipt["platform_notes"]["options_differ"]


def test_meta_fills_the_audience_with_the_id(line: MetaLine) -> None:
    """An audience of any name is filled by its id, and none of the drop's name is created."""
    line.meta.configure(audiences=[{"name": "Somebody's"}])
    known = line.meta.audience("Somebody's")["id"]
    say(line, id=known)
    for action in ("add", "replace"):
        receipt = line.deliver(people(3), action, f"{action}.csv")
        assert (receipt["state"], receipt["audience"]["id"]) == ("applied", known)
    assert line.meta.audience("Somebody's")["count"] == 3
    assert len(line.meta.state()["audiences"]) == 1


@pytest.mark.parametrize(
    ("exists", "code"),
    [
        ({"subtype": "WEBSITE"}, "audience_differs"),
        ({"account_id": "99"}, "audience_differs"),
        ({"deleted": True}, "audience_missing"),
    ],
)
def test_meta_refuses_an_id_that_is_not_meant(line: MetaLine, exists: dict[str, Any], code: str) -> None:
    """Another kind of audience, another account's, or none: the run is blocked, and nothing is created."""
    line.meta.configure(accounts=[{"id": "99"}], audiences=[{"name": "Other", **exists}])
    say(line, id=FIRST_ID)
    receipt = line.deliver(people(3), "add")
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", code)
    assert NAME not in [one["name"] for one in line.meta.state()["audiences"]]


@pytest.mark.parametrize(("first", "second"), [("add", "add"), ("replace", "add"), ("add", "replace")])
def test_meta_has_one_audience_although_it_lists_it_late(line: MetaLine, first: str, second: str) -> None:
    """A run that begins as soon as another has created the audience waits until Meta lists it."""
    line.meta.configure(listing_s=120)
    one, other = (
        line.message(people(3), first, "a.csv"),
        line.message(people(3, start=10), second, "b.csv", after_s=0),
    )
    line.run(one, other)
    assert [receipt["state"] for receipt in line.receipts()] == ["applied", "applied"]
    assert len(line.meta.state()["audiences"]) == 1
    assert line.meta.audience(NAME)["count"] == (3 if second == "replace" else 6)


@pytest.mark.parametrize(
    ("schema", "row", "refused"),
    [
        (["EMAIL", "DATA_PROCESSING_OPTIONS"], [digest(1), []], None),
        (["EMAIL", "DATA_PROCESSING_OPTIONS"], [digest(1), ""], "row"),
        (["EMAIL", "DATA_PROCESSING_OPTIONS"], [digest(1), ["ldu"]], "row"),
        (["EMAIL", "DATA_PROCESSING_OPTIONS_STATE"], [digest(1), 1000], "request"),
    ],
)
def test_the_simulated_meta_checks_limited_data_use(
    meta: Outside, schema: list[str], row: list[object], refused: str | None
) -> None:
    """What is not one of Meta's own values is an invalid row, and a state without options an invalid request."""
    to_meta = Line.of(META, {**meta.secret(), "endpoint": meta.base_url})
    opened = to_meta.hold(to_meta.publisher.open(Audience("c", NAME), ("EMAIL",)))
    plain = to_meta.publisher.encode(upload({"EMAIL": [digest(1)]}), Audience("c", NAME), opened)
    body = {**json.loads(plain.content), "payload": {"schema": schema, "is_raw": True, "data": [row]}}
    outcome = to_meta.ask(
        type(plain)(plain.call, plain.method, plain.url, plain.headers, json.dumps(body).encode(), 1)
    )
    assert outcome.refused_count == (refused == "row")
    assert (outcome.kind == "refused") == (refused == "request")


def test_tiktok_ends_an_audience_when_its_options_say(tiktok: Outside) -> None:
    """The audience is created with its retention, and the note says when it ends."""
    to_tiktok = Line.of(TIKTOK, {**tiktok.secret(), "ENDPOINT": tiktok.base_url})
    audience = Audience("c", NAME, options=options(TIKTOK, retention_days=30))
    opened = to_tiktok.hold(to_tiktok.publisher.open(audience, ("EMAIL_SHA256",)))
    rows: list[str | None] = [digest(number) for number in range(2000)]
    handle = to_tiktok.send(upload({"EMAIL_SHA256": rows}), opened).value
    closed = to_tiktok.hold(to_tiktok.publisher.close(audience, opened, [handle]))
    assert closed.opened is not None
    assert "30 days" in closed.opened.notes["retention"]
    tiktok.advance(3601)
    held = tiktok.audience(NAME)
    assert days_between(held["create_time"], held["expired_time"]) == 30
    by_id = Audience("c", "Another name", options=options(TIKTOK, id=held["id"]))
    assert to_tiktok.hold(to_tiktok.publisher.open(by_id, ("EMAIL_SHA256",))).audience_id == held["id"]
    nobody = Audience("c", NAME, options=options(TIKTOK, id="1"))
    with pytest.raises(ConfigError, match="audience_differs"):
        to_tiktok.hold(to_tiktok.publisher.open(nobody, ("EMAIL_SHA256",)))


def test_snapchat_creates_a_list_as_its_options_say(snapchat: Outside) -> None:
    """Description and retention are the list's; an id finds it under any name, and a wrong one is refused."""
    secret = {**snapchat.secret(), "endpoint": snapchat.base_url}
    signer = signer_of(SNAPCHAT, secret, issued=Client.of(snapchat).token)
    to_snapchat = Line(SNAPCHAT.publisher(account_of(SNAPCHAT, secret)), signer)
    audience = Audience("c", NAME, options=options(SNAPCHAT, description="Best", retention_days=30))
    made = to_snapchat.hold(to_snapchat.publisher.open(audience, ()))
    held = snapchat.audience(NAME)
    assert (held["description"], held["retention_in_days"]) == ("Best", 30)
    by_id = Audience("c", "Another name", Action.REMOVE, options=options(SNAPCHAT, id=made.audience_id))
    assert to_snapchat.hold(to_snapchat.publisher.open(by_id, ())).audience_id == made.audience_id
    nobody = Audience("c", NAME, options=options(SNAPCHAT, id="1"))
    with pytest.raises(ConfigError, match="audience_differs"):
        to_snapchat.hold(to_snapchat.publisher.open(nobody, ()))
    assert len(snapchat.state()["audiences"]) == 1
