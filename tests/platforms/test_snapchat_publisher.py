"""Snapchat's publisher: one kind of identifier a request, pages by cursor, odd successes, and lost creations."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from activation.errors import ConfigError, Rejected
from activation.model import Action, Audience
from activation.platforms.account import AdAccount
from activation.platforms.credentials import Credentials
from activation.platforms.outcome import OutcomeKind
from activation.platforms.platform import Examination, Finding
from activation.platforms.publisher import Opened
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch

from lambdas.snapchat.answers import Page, classify
from lambdas.snapchat.checks import examine
from lambdas.snapchat.platform import PLATFORM
from lambdas.snapchat.publisher import SnapchatPublisher

ACCOUNT = AdAccount("8adc3db7-8148", "https://adsapi.snapchat.com", {"retention_in_days": 180})
PUBLISHER = SnapchatPublisher(ACCOUNT)
VIP = Audience("snapchat", "VIP")
USERS = Request("users", "POST", "https://adsapi.snapchat.com/v1/segments/7/users", rows=2)
FOUND = Request("find", "GET", "https://adsapi.snapchat.com/v1/adaccounts/8/segments")
CREATE = Request("create", "POST", "https://adsapi.snapchat.com/v1/adaccounts/8/segments", repeatable=False)


def said(body: object, status: int = 200) -> Answer:
    """Return an answer with a JSON body, or a text."""
    return Answer(status, {}, (body if isinstance(body, str) else json.dumps(body)).encode())


def segment(segment_id: str, name: str = "VIP", **more: object) -> dict[str, Any]:
    """Return a segment as a list shows it."""
    about = {"id": segment_id, "name": name, "source_type": "FIRST_PARTY", "created_at": "2026-01-01", **more}
    return {"sub_request_status": "SUCCESS", "segment": about}


def listed(*segments: dict[str, Any], link: str = "") -> Answer:
    """Return a page of a list."""
    paging = {"paging": {"next_link": link}} if link else {}
    return said({"request_status": "SUCCESS", "request_id": "r", "segments": list(segments), **paging})


def batch(**columns: list[str | None]) -> Batch:
    """Return a batch of these columns, its rows numbered from 1."""
    table = pa.table({key: pa.array(cells, pa.string()) for key, cells in columns.items()})
    return Batch("run", 1, table.num_rows, table, pa.array(range(1, table.num_rows + 1)))


def hold(*answers: Answer, action: Action = Action.ADD, name: str = "VIP") -> tuple[Opened, list[Request]]:
    """Hold the opening of an audience; returns what it came to, and what was asked."""
    talk, asked = PUBLISHER.open(Audience("snapchat", name, action), ("EMAIL_SHA256",)), []
    request = next(talk)
    try:
        for answer in answers:
            asked.append(request)
            request = talk.send(classify(request, answer))
    except StopIteration as end:
        return end.value, asked
    raise AssertionError(f"asks {request.call} beyond the answers")


def test_a_kind_of_identifier_is_an_upload_and_a_value_a_line() -> None:
    """Rows that share a value share its line, in the order of their first rows; a row without one is not in it."""
    one = batch(EMAIL_SHA256=["e1", "e2", "e1", None], PHONE_SHA256=[None, "p", None, "p"], IGNORED=[None] * 4)
    email, phone = PUBLISHER.uploads(one)
    assert (email.key, email.columns.to_pydict(), email.rows.to_pylist()) == (
        "EMAIL_SHA256",
        {"EMAIL_SHA256": ["e1", "e2"]},
        [[1, 3], [2]],
    )
    assert (phone.columns.to_pydict(), phone.rows.to_pylist()) == ({"PHONE_SHA256": ["p"]}, [[2, 4]])


@pytest.mark.parametrize(("action", "method"), [(Action.ADD, "POST"), (Action.REMOVE, "DELETE")])
def test_a_request_has_one_schema_and_a_body(action: Action, method: str) -> None:
    """https://developers.snap.com/api/marketing-api/Ads-API/customer-lists: removals have a body as well."""
    (upload,) = PUBLISHER.uploads(batch(EMAIL_SHA256=["e1", "e2"]))
    request = PUBLISHER.encode(upload, Audience("snapchat", "VIP", action), Opened("57/69"))
    assert (request.method, request.url) == (method, "https://adsapi.snapchat.com/v1/segments/57%2F69/users")
    assert json.loads(request.body) == {"users": [{"schema": ["EMAIL_SHA256"], "data": [["e1"], ["e2"]]}]}
    assert request.rows == 2


@pytest.mark.parametrize(
    ("request_", "status", "body", "kind", "code"),
    [
        (USERS, 401, "unauthorized", OutcomeKind.REFRESH_AUTH, "token_refused"),
        (USERS, 403, {"error_code": "E3002"}, OutcomeKind.STOP, "no_permission"),
        (USERS, 400, {"error_code": "E3002"}, OutcomeKind.STOP, "no_permission"),
        (USERS, 404, {"error_code": "E3003"}, OutcomeKind.STOP, "account_missing"),
        (USERS, 400, {"debug_message": "bad"}, OutcomeKind.REFUSED, "refused_by_platform"),
        (FOUND, 400, {"debug_message": "bad"}, OutcomeKind.REJECTED, "bad_request"),
        (USERS, 413, "<html>", OutcomeKind.TOO_LARGE, "too_large"),
        (USERS, 429, "Too Many Requests", OutcomeKind.RETRY, "throttled"),
        (USERS, 500, "", OutcomeKind.RETRY, "transient"),
        (USERS, 503, "", OutcomeKind.RETRY, "transient"),
        (CREATE, 502, "", OutcomeKind.UNKNOWN, "transient"),
        (USERS, 200, "<html>", OutcomeKind.RETRY, "unreadable_answer"),
        (CREATE, 200, "<html>", OutcomeKind.UNKNOWN, "unreadable_answer"),
        (USERS, 0, "", OutcomeKind.UNKNOWN, "no_answer"),
    ],
)
def test_refusals(request_: Request, status: int, body: object, kind: OutcomeKind, code: str) -> None:
    """Status and error code decide; a call that may not be repeated is unknown where it may have been applied."""
    outcome = classify(request_, said(body, status))
    assert (outcome.kind, outcome.code) == (kind, code)
    assert not outcome.about_rows


@pytest.mark.parametrize("words", [("SUCCESS", "SUCCESS"), ("success", "success"), ("Success", "SUCCESS")])
def test_success_in_any_case(words: tuple[str, str]) -> None:
    """Snap's samples have both cases."""
    users = [{"sub_request_status": words[1], "user": {"number_uploaded_users": 2}}]
    body = {"request_status": words[0], "request_id": "12345", "users": users}
    outcome = classify(USERS, said(body))
    assert (outcome.kind, outcome.reference) == (OutcomeKind.OK, "12345")


@pytest.mark.parametrize(
    "body",
    [
        {"request_status": "ERROR"},
        {"request_status": "SUCCESS", "users": [{"sub_request_status": "ERROR"}]},
        {"request_status": "SUCCESS", "users": []},
        {},
    ],
)
def test_a_200_that_is_no_success_is_tried_twice(body: object) -> None:
    """HTTP 200 may say that the call failed."""
    outcome = classify(USERS, said(body))
    assert (outcome.kind, outcome.code, outcome.attempts_max) == (OutcomeKind.UNKNOWN, "not_successful", 2)


def test_the_oldest_own_list_of_the_name_is_taken() -> None:
    """Lookalikes and other names do not count, and a second list of the name is noted."""
    opened, asked = hold(
        listed(
            segment("1", source_type="LOOKALIKE"), segment("2", "VIPs"), link="https://evil.example/x?cursor=c%2F1"
        ),
        listed(segment("9", created_at="2026-03-01"), segment("8", created_at="2026-02-01")),
    )
    assert opened.audience_id == "8"
    assert "duplicate_audiences" in opened.notes
    assert [one.url.partition("?")[2] for one in asked] == ["limit=1000", "limit=1000&cursor=c%2F1"]
    assert all(one.url.startswith("https://adsapi.snapchat.com/v1/") for one in asked)


def test_a_list_of_a_name_that_looks_the_same_is_taken() -> None:
    """Spaces at the ends cannot be seen; a list of the very name comes first, however young it is."""
    assert hold(listed(segment("5", "VIP "), segment("6", "V IP")))[0].audience_id == "5"
    both = listed(segment("5", "VIP "), segment("6", created_at="2026-03-01"))
    assert hold(both)[0].audience_id == "6"


def test_an_audience_is_created_as_the_options_say() -> None:
    """Name, account and retention are in the body, and the answer's id is the audience."""
    opened, (_, create) = hold(listed(), listed(segment("57")))
    assert (opened.audience_id, opened.created, create.repeatable) == ("57", True, False)
    (wanted,) = json.loads(create.body)["segments"]
    assert (wanted["name"], wanted["ad_account_id"], wanted["retention_in_days"]) == ("VIP", "8adc3db7-8148", 180)


def test_a_lost_creation_is_looked_for_before_it_is_repeated() -> None:
    """There is one audience, whether the lost call had created it or not."""
    lost = Answer(0, {}, b"")
    opened, asked = hold(listed(), lost, listed(segment("57")))
    assert (opened.audience_id, [one.call for one in asked]) == ("57", ["find", "create", "find"])
    opened, asked = hold(listed(), lost, listed(), listed(segment("58")))
    assert (opened.audience_id, [one.call for one in asked]) == ("58", ["find", "create", "find", "create"])


def test_what_cannot_be_opened_is_refused() -> None:
    """A removal from nothing, a name that is too long, a missing permission."""
    with pytest.raises(Rejected, match="audience_missing"):
        hold(listed(), action=Action.REMOVE)
    with pytest.raises(Rejected, match="bad_name"):
        hold(name="x" * 376)
    with pytest.raises(ConfigError, match="no_permission"):
        hold(said({"error_code": "E3002"}, 403))


def test_doctor_reads_every_page() -> None:
    """The token is good when the segments can be read, and an audience's state is told."""
    answers = [listed(segment("1", "Other"), link="?cursor=2"), listed(segment("2", targetable_status="READY"))]
    one = Examination(Credentials({}), ACCOUNT, "VIP", lambda _: answers.pop(0))
    assert list(examine(one)) == [
        Finding("token", True, "may read the ad account's 2 segments"),
        Finding("audience", True, "1 with this name; READY"),
    ]
    refused = Examination(Credentials({}), ACCOUNT, "", lambda _: said("unauthorized", 401))
    (finding,) = examine(refused)
    assert (finding.check, finding.ok) == ("token", False)


def test_pages_are_read_without_trust() -> None:
    """What is no segment is left out, and a link without a cursor ends the list."""
    body = {"request_status": "SUCCESS", "segments": [{"sub_request_status": "SUCCESS"}, segment("1")]}
    page = classify(FOUND, said(body | {"paging": {"next_link": "http://[broken"}})).value
    assert isinstance(page, Page)
    assert ([one.segment_id for one in page.segments], page.cursor) == (["1"], "")


def test_the_function_may_store_the_next_refresh_token() -> None:
    """The platform rotates its refresh tokens, so the connector's role may write the secret."""
    assert PLATFORM.authentication.rotates
