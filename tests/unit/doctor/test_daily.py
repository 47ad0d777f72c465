"""The daily function: metrics by connector and severity, and a notice of each finding that is new."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.audiences import sizes_in
from activation.ledger.findings import NotifiedFindings
from activation.platforms.platform import Finding
from botocore.exceptions import ClientError

from lambdas.doctor.handler import lambda_handler
from lambdas.doctor.report import groups
from sandbox.platforms.meta.app import build
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running
from tests.unit.doctor.patient import KNOWN, Patient
from tests.unit.line.table_in_memory import Table

DAY_S = 86_400.0
ENVIRONMENT = {
    "APP_NAME": "audience-activation",
    "POWERTOOLS_SERVICE_NAME": "audience-activation-doctor",
    "POWERTOOLS_METRICS_NAMESPACE": "AudienceActivation",
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve the simulated Meta."""
    with running(build()) as served:
        yield served


@pytest.fixture
def patient(url: str, monkeypatch: pytest.MonkeyPatch) -> Patient:
    """Return a healthy deployment."""
    meta = Outside(url)
    meta.reset()
    one = Patient(meta)
    monkeypatch.setattr(boto3, "client", one.client)
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)
    one.write_secret()
    return one


def call(*remaining_s: float) -> dict[str, Any]:
    """Call the function as EventBridge Scheduler does; return what it returns.

    `remaining_s` are the seconds that are left, one each time that the function asks; the last is said again.
    """
    left = list(remaining_s or (900.0,))
    context: Any = SimpleNamespace(
        function_name="doctor", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="1",
        get_remaining_time_in_millis=lambda: int(1000 * (left.pop(0) if len(left) > 1 else left[0])),
    )  # fmt: skip
    found: dict[str, Any] = lambda_handler({}, context)
    return found


def metrics(text: str) -> dict[tuple[str, str, str], float]:
    """Return the metrics that a run printed, by name, connector and severity."""
    found = {}
    for line in text.splitlines():
        one = json.loads(line)
        if "_aws" not in one:
            continue
        (metric,) = one["_aws"]["CloudWatchMetrics"]
        assert (metric["Namespace"], one["service"]) == ("AudienceActivation", "audience-activation-doctor")
        (name,) = (each["Name"] for each in metric["Metrics"])
        assert set(metric["Dimensions"][0]) == {"service", "connector", "severity"} & one.keys()
        found[name, one.get("connector", ""), one.get("severity", "")] = one[name][0]
    return found


def test_a_healthy_app_writes_zeros_and_notifies_nobody(
    patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    """The alarm ends by a zero, so that zeros are written for each connector and for the app's own checks."""
    assert call()["findings"] == []
    assert metrics(capsys.readouterr().out) == {
        ("DoctorFindings", "meta", "failure"): 0,
        ("DoctorFindings", "meta", "warning"): 0,
        ("DoctorFindings", "_", "failure"): 0,
        ("DoctorFindings", "_", "warning"): 0,
        ("DoctorFailures", "", ""): 0,
        ("TokensExpiring", "", ""): 0,
        ("VersionsEnding", "", ""): 0,
        ("AudiencesShrinking", "", ""): 0,
    }
    assert patient.events == []


def test_an_expired_token_is_counted_and_notified(patient: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    """The notice has the sentence of the command, which says what mends it; no token is in what is printed."""
    patient.platform.configure(tokens=[{"state": "expired"}])
    (found,) = call()["findings"]
    assert (found["connector"], found["check"], found["severity"]) == ("meta", "token", "failure")
    printed = capsys.readouterr().out
    assert metrics(printed)["DoctorFindings", "meta", "failure"] == 1
    assert metrics(printed)["DoctorFailures", "", ""] == 1
    assert metrics(printed)["TokensExpiring", "", ""] == 1
    assert metrics(printed)["VersionsEnding", "", ""] == 0
    assert patient.platform.secret()["access_token"] not in printed
    (event,) = patient.events
    assert (event["type"], event["connector"], event["check"]) == ("Activation Finding", "meta", "token")
    assert event["notice"] == {
        "what": "Connector meta: token needs attention now",
        "why": found["says"],
        "next": "See activation doctor --connector meta",
    }
    assert '"' not in "".join(event["notice"].values())


def test_a_finding_that_lasts_is_notified_once_a_week() -> None:
    """Neither the next day, nor when another comes; after a week it is notified again."""
    table, now = Table(), [1e9]
    records = NotifiedFindings(ConditionalTable(cast("Any", table), "ledger"), clock=lambda: now[0])
    told = []
    for day in range(9):
        now[0] = 1e9 + day * DAY_S
        present = ["token/failure/1", *(["terms/failure/1"] if day > 2 else [])]
        told.append(records.due("meta", present))
        records.note("meta", present, told[-1])
    token, terms = ["token/failure/1"], ["terms/failure/1"]
    assert told == [token, [], [], terms, [], [], [], token, []]


def test_a_finding_that_comes_back_is_notified_again(patient: Patient) -> None:
    """What was mended in between is news, the same day or not."""
    patient.dead = 2
    first = call()["notices"]
    patient.dead = 0
    between = call()["notices"]
    patient.dead = 2
    assert (first, between, call()["notices"]) == (1, 0, 1)


def test_what_concerns_the_whole_app_is_the_app_s(patient: Patient) -> None:
    """An address that has not confirmed is no connector's finding."""
    patient.subscription = "PendingConfirmation"
    (found,) = call()["findings"]
    assert (found["connector"], found["check"]) == ("_", "alarms")
    (event,) = patient.events
    assert event["notice"]["what"] == "The app: alarms needs attention now"
    assert event["notice"]["next"] == "See activation doctor"


def test_a_connector_without_time_is_not_taken_for_healthy(patient: Patient) -> None:
    """A function that is about to be stopped begins no examination, and says so."""
    (found,) = call(10.0)["findings"]
    assert (found["check"], found["severity"]) == ("doctor", "warning")
    assert "activation doctor --connector meta" in found["says"]


def test_a_platform_that_is_slow_does_not_cost_the_whole_examination(
    patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    """No call is begun that may outlast the function, and what was found is counted and notified."""
    (found,) = call(900.0, 900.0, 30.0)["findings"]
    assert (found["connector"], found["severity"]) == ("meta", "failure")
    assert "too little time was left: activation doctor --connector meta" in found["says"]
    assert len(patient.platform.requests()) == 1
    assert metrics(capsys.readouterr().out)["DoctorFindings", "meta", "failure"] == 1
    assert len(patient.events) == 1


def test_many_findings_of_one_check_are_one_notice() -> None:
    """The first is quoted and the others are counted; failures come before warnings."""
    found = groups(
        [
            Finding("audiences", True, "'A' is old", warns=True),
            Finding("audiences", False, "'B' is flagged"),
            Finding("audiences", False, "'C' is flagged"),
            Finding("token", True, "accepted"),
        ]
    )
    assert [(one.severity, one.sentence) for one in found] == [
        ("failure", "'B' is flagged (and 1 more)"),
        ("warning", "'A' is old"),
    ]


def test_every_ad_account_that_was_filled_is_examined(patient: Patient) -> None:
    """By the same token: the size of an audience in a further account is noted as that in the secret's own."""
    further = "542676646350002"
    patient.platform.configure(
        accounts=[{}, {"id": further}],
        audiences=[{"name": "VIP", "size": 10_000}, {"name": "Brio", "account_id": further, "size": 20_000}],
    )
    here, there = f"{KNOWN}VIP", f"account#meta#{further}#known#Brio"
    patient.table.items[here] = {"pk": {"S": here}, "connector": {"S": "meta"}}
    patient.table.items[there] = {"pk": {"S": there}, "connector": {"S": "meta"}}
    assert call()["findings"] == []
    found = [str(sizes_in(patient.table.items[one])[0]) for one in (here, there)]
    assert found == ["7,000 to 7,100", "14,000 to 15,000"]


def test_a_ledger_that_cannot_be_scanned_is_a_warning(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret's own ad account is examined all the same."""
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "Scan")

    def refuse(**_: object) -> None:
        raise denied

    monkeypatch.setattr(patient.table, "paginate", refuse)
    (found,) = call()["findings"]
    assert (found["connector"], found["check"], found["severity"]) == ("_", "ledger", "warning")
    assert "AccessDeniedException" in found["says"]
