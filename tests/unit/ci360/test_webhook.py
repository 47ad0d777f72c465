"""The webhook: 202 and one record for a good call, the guideline's error form for every other."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.ci360 import webhook
from lambdas.ci360.bulk_task import MAX_BODY_BYTES
from lambdas.ci360.occurrences import State
from tests.unit.ci360.world import BUCKET, World, event

REQUEST = "gateway-request"


@pytest.fixture
def answer(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the Lambda handler over the world's webhook: from an event to status and JSON body."""
    monkeypatch.setattr(webhook, "_made", [world.webhook()])

    def call(given: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        response = webhook.lambda_handler(given, None)
        assert response["headers"]["Content-Type"] == "application/json"
        assert response["headers"]["X-Request-ID"] == REQUEST
        return response["statusCode"], json.loads(response["body"])

    return call


def refusal(answered: tuple[int, dict[str, Any]]) -> tuple[int, str, dict[str, str]]:
    """Check the error form; returns status, code and issues by field."""
    status, body = answered
    assert set(body) == {"error"}
    error = body["error"]
    assert error["requestId"] == REQUEST
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", error["timestamp"])
    assert error["message"]
    return status, error["code"], {one["field"]: one["issue"] for one in error.get("details", [])}


def test_a_task_is_taken_on(world: World, answer: Any) -> None:
    """The answer has the reference connector's keys, the record has the links, the queue the key."""
    body = world.stage("1,a@b.example,X\n")
    status, answered = answer(event(body))
    assert status == 202
    assert answered == {
        "status": "Accepted",
        "requestId": REQUEST,
        "occurrenceId": body["occurrenceId"],
        "upload_filename": "audience.csv",
        "bucket_name": BUCKET,
        "key": f"ci360/audience_{body['occurrenceId']}.csv",
    }
    record = world.record(answered["key"])
    assert record.state is State.ACCEPTED
    assert record.data_link == body["presignedUrls"]["dataFile"]
    assert record.tracking_code == body["responseTrackingCode"]
    (message,) = world.messages(world.queue)
    assert json.loads(message["Body"]) == {"ci360": answered["key"]}


def test_no_link_leaves_the_function(world: World, answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Neither answer, message nor log has a signed link or a part of one."""
    _, answered = answer(event(world.stage("1,a@b.example,X\n")))
    (message,) = world.messages(world.queue)
    for text in (json.dumps(answered), message["Body"], caplog.text):
        assert "X-Amz" not in text
        assert "https://" not in text


def test_a_repeated_call_is_told_the_same(world: World, answer: Any) -> None:
    """A redelivery makes no second file: the first answer again, and no second record."""
    body = world.stage("1,a@b.example,X\n")
    first = answer(event(body))
    assert answer(event(body)) == first
    assert world.advance(first[1]["key"]) is State.LANDED
    world.messages(world.queue)
    assert answer(event(body)) == first
    assert world.messages(world.queue) == []
    assert world.record(first[1]["key"]).state is State.LANDED


def test_the_next_run_of_a_task_has_a_file_of_its_own(world: World, answer: Any) -> None:
    """The same file name in another occurrence overwrites nothing."""
    keys = {answer(event(world.stage("1,a@b.example,X\n")))[1]["key"] for _ in range(2)}
    assert len(keys) == 2


def test_two_files_of_one_run_are_two(world: World, answer: Any) -> None:
    """Occurrence and target together are the identity; two names that would make one key are a conflict."""
    body = dict(world.stage("1,a@b.example,X\n"))
    keys = []
    for name in ("a.csv", "b.csv"):
        status, answered = answer(event({**body, "sendParameters": {"s3_filename": name}}))
        assert status == 202
        keys.append(answered["key"])
    assert len(set(keys)) == 2
    status, code, _ = refusal(answer(event({**body, "sendParameters": {"s3_filename": "\u00e1.csv"}})))
    assert (status, code) == (409, "CONFLICT")


def test_a_failed_file_begins_anew_with_new_links_only(world: World, answer: Any) -> None:
    """What failed for its link is taken up again when CI360 comes back with a fresh one."""
    body = dict(world.stage("1,a@b.example,X\n"))
    _, answered = answer(event(body))
    world.outside.advance(2 * 3600)
    assert world.advance(answered["key"]) is State.FAILED
    world.messages(world.queue)
    answer(event(body))
    assert world.messages(world.queue) == []
    fresh = world.stage("1,a@b.example,X\n", occurrence_id=body["occurrenceId"])
    status, _ = answer(event({**body, "presignedUrls": fresh["presignedUrls"]}))
    assert status == 202
    assert world.advance(answered["key"]) is State.LANDED


def test_a_body_without_an_id_is_known_by_its_link(world: World, answer: Any) -> None:
    """The three keys that SAS's own connector reads are enough, and the same body is the same occurrence."""
    full = world.stage("1,a@b.example,X\n")
    small = {name: full[name] for name in ("presignedUrls", "sendParameters")}
    status, answered = answer(event(small))
    assert (status, answered["occurrenceId"]) == (202, None)
    assert answer(event(small))[1]["key"] == answered["key"]


def test_base64_and_http_api_events_are_read(world: World, answer: Any) -> None:
    """A body may come encoded, and the event in either of API Gateway's shapes."""
    body = json.dumps(world.stage("1,a@b.example,X\n"))
    encoded = event(base64.b64encode(body.encode()).decode(), isBase64Encoded=True)
    assert answer(encoded)[0] == 202
    http = {
        "version": "2.0",
        "headers": {"content-type": "application/json; charset=utf-8"},
        "requestContext": {"requestId": REQUEST, "http": {"method": "POST"}},
        "body": body,
    }
    assert answer(http)[0] == 202


@pytest.mark.parametrize(
    ("body", "changes", "status", "code"),
    [
        (None, {}, 400, "VALIDATION_ERROR"),
        ("", {}, 400, "VALIDATION_ERROR"),
        ("not json", {}, 400, "VALIDATION_ERROR"),
        ('{"presignedUrls": {"dataFile"', {}, 400, "VALIDATION_ERROR"),
        ("[" * 30_000, {}, 400, "VALIDATION_ERROR"),
        ("[]", {}, 400, "VALIDATION_ERROR"),
        ('"text"', {}, 400, "VALIDATION_ERROR"),
        ("null", {}, 400, "VALIDATION_ERROR"),
        ("{}", {}, 400, "VALIDATION_ERROR"),
        ("{}{}", {}, 400, "VALIDATION_ERROR"),
        ('{"guid":"1","contactResponse":{"responseTrackingCode":"2"}}', {}, 400, "TRIGGERED_TASK"),
        ('{"guid":"1","eventName":"e","identityId":"3","properties":{}}', {}, 400, "TRIGGERED_TASK"),
        ("not base64!", {"isBase64Encoded": True}, 400, "VALIDATION_ERROR"),
        ("/w==", {"isBase64Encoded": True}, 400, "VALIDATION_ERROR"),
        ("a=b", {"headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("{}", {"headers": {"CONTENT-TYPE": "text/plain"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (" " * MAX_BODY_BYTES + "{}", {}, 413, "PAYLOAD_TOO_LARGE"),
        ("A" * (2 * MAX_BODY_BYTES), {"isBase64Encoded": True}, 413, "PAYLOAD_TOO_LARGE"),
    ],
)
def test_what_is_no_task_is_refused(
    answer: Any, body: str | None, changes: dict[str, Any], status: int, code: str
) -> None:
    """Whatever is posted has an answer in the guideline's form."""
    assert refusal(answer(event(body, **changes)))[:2] == (status, code)


@pytest.mark.parametrize(
    "more",
    [
        '"sendParameters": {"s3_filename": "other.csv"}',
        '"x": {"deep": 1, "deep": 1}',
        '"x": NaN',
        '"x": -Infinity',
        '"x": ' + "9" * 5000,
    ],
)
def test_a_body_that_can_be_read_in_two_ways_is_refused(world: World, answer: Any, more: str) -> None:
    """A key given twice and a number that is none are read differently by others, so by us not at all."""
    good = json.dumps(world.stage("1,a@b.example,X\n"))
    assert refusal(answer(event(f"{good[:-1]}, {more}}}"))) == (400, "VALIDATION_ERROR", {})
    assert answer(event(f'{good[:-1]}, "x": 1}}'))[0] == 202


def test_a_body_is_utf_8(world: World, answer: Any) -> None:
    """A mark at its beginning is let pass; another encoding is not guessed."""
    good = json.dumps(world.stage("1,a@b.example,X\n"))
    for encoding, status in (("utf-8-sig", 202), ("utf-16", 400), ("utf-32", 400)):
        encoded = base64.b64encode(good.encode(encoding)).decode()
        assert answer(event(encoded, isBase64Encoded=True))[0] == status


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"presignedUrls": None}, "presignedUrls.dataFile"),
        ({"presignedUrls": []}, "presignedUrls.metadataFile"),
        ({"presignedUrls": {"dataFile": 5}}, "presignedUrls.dataFile"),
        ({"sendParameters": None}, "sendParameters.s3_filename"),
        ({"sendParameters": "x"}, "sendParameters.s3_filename"),
        ({"sendParameters": {"s3_filename": None}}, "sendParameters.s3_filename"),
        ({"sendParameters": {"s3_filename": 5}}, "sendParameters.s3_filename"),
        ({"sendParameters": {"s3_filename": "  "}}, "sendParameters.s3_filename"),
        ({"sendParameters": {"s3_filename": "../x.csv"}}, "sendParameters.s3_filename"),
        ({"sendParameters": {"list_id": "1"}}, "sendParameters.s3_filename"),
        ({"occurrenceId": 5}, "occurrenceId"),
        ({"occurrenceId": "a" * 300}, "occurrenceId"),
        ({"occurrenceId": "a\nb"}, "occurrenceId"),
        ({"occurrenceId": "  "}, "occurrenceId"),
        ({"occurrenceId": "\ud800"}, "occurrenceId"),
    ],
)
def test_a_mistake_is_named_by_its_field(world: World, answer: Any, change: dict[str, Any], field: str) -> None:
    """The caller is told which field is wrong, and nothing is written down or queued."""
    status, code, issues = refusal(answer(event({**world.stage("1,a@b.example,X\n"), **change})))
    assert (status, code) == (400, "VALIDATION_ERROR")
    assert field in issues
    assert world.messages(world.queue) == []


@pytest.mark.parametrize("name", ["dataFile", "metadataFile"])
@pytest.mark.parametrize(
    ("link", "status"),
    [
        ("https://neighbour.s3.us-east-1.amazonaws.com/data.csv", 403),
        ("https://169.254.169.254/latest/meta-data/", 400),
        ("http://staging.example.com/data.csv", 400),
        ("https://staging.example.com:9001/data.csv", 400),
        ("https://staging.example.com@169.254.169.254/", 400),
    ],
)
def test_either_link_may_be_the_hostile_one(world: World, answer: Any, name: str, link: str, status: int) -> None:
    """A host that is not allowed is forbidden, a link that could never be one invalid; neither is quoted."""
    body = world.stage("1,a@b.example,X\n")
    answered = answer(event({**body, "presignedUrls": {**body["presignedUrls"], name: link}}))
    assert refusal(answered)[0] == status
    assert f"presignedUrls.{name}" in refusal(answered)[2]
    assert "169.254" not in json.dumps(answered[1])
    assert "neighbour" not in json.dumps(answered[1])


def test_everything_wrong_is_told_at_once(answer: Any) -> None:
    """One call is enough to learn of every mistake."""
    issues = refusal(answer(event({"occurrenceId": 5})))[2]
    assert set(issues) == {
        "occurrenceId",
        "presignedUrls.dataFile",
        "presignedUrls.metadataFile",
        "sendParameters.s3_filename",
    }


def test_more_keys_than_known_are_no_mistake(world: World, answer: Any) -> None:
    """SAS may add to the payload; what is not needed is not looked at."""
    body = {**world.stage("1,a@b.example,X\n"), "new": {"deep": [1]}, "taskCode": 7, "responseTrackingCode": [1]}
    status, answered = answer(event(body))
    assert status == 202
    assert world.record(answered["key"]).tracking_code == ""


def test_a_busy_storage_is_worth_another_call(world: World, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the queue fails the caller may come again, and then finds the work not lost."""
    body = event(world.stage("1,a@b.example,X\n"))

    def fails(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "SendMessage")

    with monkeypatch.context() as broken:
        broken.setattr(world.sqs, "send_message", fails)
        response = webhook.lambda_handler(body, None)
    assert response["statusCode"] == 503
    assert int(response["headers"]["Retry-After"]) > 0
    assert answer(body)[0] == 202
    assert len(world.messages(world.queue)) == 1


def test_an_error_nobody_foresaw_says_nothing(world: World, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller gets 500 in the usual form; what it was is in the log only, without its text."""

    def fails(*_: Any) -> None:
        raise RuntimeError("https://secret.example/?X-Amz-Signature=1")

    monkeypatch.setattr(world.occurrences, "accept", fails)
    status, code, issues = refusal(answer(event(world.stage("1,a@b.example,X\n"))))
    assert (status, code, issues) == (500, "INTERNAL_ERROR", {})
