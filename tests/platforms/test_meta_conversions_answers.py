"""What the Conversions API's answers mean: what was counted, what was not, and what mends each refusal.

Codes and subcodes: https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api,
.../conversions-api/parameters/custom-data, .../conversions-api/best-practices and
https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference (read 2026-09-12). Those
that mean the same to all of the Graph API are in test_meta_graph.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.request import Answer, Request
from typer.testing import CliRunner

from cli.__main__ import app
from lambdas.meta_conversions.meanings import EVENT_SUBCODES
from lambdas.meta_conversions.platform import PLATFORM

OK, STOP, RETRY = OutcomeKind.OK, OutcomeKind.STOP, OutcomeKind.RETRY
REFUSED, UNKNOWN = OutcomeKind.REFUSED, OutcomeKind.UNKNOWN


def error(code: int, subcode: int | None = None, **more: Any) -> dict[str, Any]:
    """Return Meta's envelope of an error."""
    return {"error": {"code": code, **({"error_subcode": subcode} if subcode else {}), **more}}


def judged(status: int, body: object, **headers: str) -> Outcome:
    """Classify an answer to a request of events."""
    request = Request("events", "POST", "https://graph.facebook.com/v27.0/42/events", rows=2)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return PLATFORM.rehearsal().classify(request, Answer(status, named, json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "about_rows"),
    [
        (200, {"events_received": 2}, OK, "", False),
        (200, {"events_received": 2, "messages": [], "fbtrace_id": "A"}, OK, "", False),
        (200, {"events_received": 1}, UNKNOWN, "nothing_counted", False),
        (200, {"messages": []}, UNKNOWN, "nothing_counted", False),
        (400, error(100, 2804003), REFUSED, "too_old_for_platform", True),
        (400, error(100, 2804009), REFUSED, "value_missing", True),
        (400, error(100, 2804050), REFUSED, "user_data_too_broad", True),
        (400, error(100, 2804066), REFUSED, "event_refused", True),
        (400, error(100), REFUSED, "refused_by_platform", False),
        (400, error(194), REFUSED, "refused_by_platform", False),
        (400, error(100, 33), STOP, "dataset_missing", False),
        (404, error(100, 34), STOP, "dataset_missing", False),
        (404, error(803), STOP, "dataset_missing", False),
        (400, error(190, 463), OutcomeKind.REFRESH_AUTH, "token_refused", False),
        (403, error(200), STOP, "no_permission", False),
        (400, error(200, 1870092), STOP, "terms_not_accepted", False),
        (500, error(3, 10), STOP, "no_permission", False),
        (412, error(5, 12), STOP, "unknown_error", False),
        (403, error(4), RETRY, "throttled", False),
        (500, error(17), RETRY, "throttled", False),
        (400, error(80004, 2446079), RETRY, "throttled", False),
        (400, error(2), UNKNOWN, "transient", False),
        (500, error(999_999), UNKNOWN, "transient", False),
        (400, error(100, 2804003, is_transient=True), UNKNOWN, "transient", False),
        (500, error(1, 99), OutcomeKind.TOO_LARGE, "too_large", False),
        (500, {"error": {}}, UNKNOWN, "unreadable_answer", False),
        (200, "Service Unavailable", UNKNOWN, "unreadable_answer", False),
        (502, {}, UNKNOWN, "unreadable_answer", False),
        (404, {}, RETRY, "unreadable_answer", False),
        (413, {}, OutcomeKind.TOO_LARGE, "too_large", False),
        (0, {}, UNKNOWN, "no_answer", False),
    ],
)
def test_what_may_have_been_counted_is_unknown_and_what_was_refused_is_not(
    status: int, body: object, kind: OutcomeKind, code: str, about_rows: bool
) -> None:
    """Events whose answer leaves open whether they count are in doubt; a refusal is known as one."""
    outcome = judged(status, body)
    assert (outcome.kind, outcome.code, outcome.about_rows) == (kind, code, about_rows)


@pytest.mark.parametrize("subcode", EVENT_SUBCODES)
def test_every_subcode_of_events_is_about_a_row_and_says_what_to_do(subcode: int) -> None:
    """Then the request is halved until the event is found, and its sentence ends with a cure."""
    outcome = judged(400, error(100, subcode, error_user_msg="Jane's event"))
    assert (outcome.kind, outcome.about_rows) == (REFUSED, True)
    assert outcome.reason.split(". ")[1].startswith(("Send ", "Fill ", "Export ", "Look "))
    assert "Jane" not in outcome.reason
    assert outcome.platform_code == f"100/{subcode}"


@pytest.mark.parametrize(
    ("header", "value", "wanted_s"),
    [
        ("x_business_use_case_usage", {"1": [{"estimated_time_to_regain_access": 7}]}, 420),
        ("x_ad_account_usage", {"reset_time_duration": 90}, 90),
        ("x_ad_account_usage", {"ads_api_access_tier": "development_access"}, 300),
        ("x_app_usage", {"call_count": 100}, 60),
    ],
)
def test_a_throttled_dataset_waits_as_the_headers_say(header: str, value: object, wanted_s: int) -> None:
    """Minutes in one header, seconds in another; a limited account waits until its score is forgotten."""
    assert judged(400, error(17), **{header: json.dumps(value)}).after_s == wanted_s


@pytest.mark.parametrize(
    ("status", "body", "outcome", "retryable"),
    [
        (200, {"events_received": 1, "fbtrace_id": "A"}, "ok", False),
        (400, error(100, 2804003), "refused", False),
        (400, error(100, 33), "stop", False),
        (500, error(17), "retry", True),
        (200, "Service Unavailable", "unknown", True),
    ],
)
def test_the_command_says_the_same(status: int, body: object, outcome: str, retryable: bool) -> None:
    """`activation classify` takes an answer of which no call is named for one to events."""
    line = json.dumps({"name": "x", "status": status, "headers": {}, "body": body}) + "\n"
    done = CliRunner().invoke(app, ["classify", "--platform", "meta_conversions", "--jsonl"], input=line)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["outcome"], said["retryable"]) == (outcome, retryable)
