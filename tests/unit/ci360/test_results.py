"""Results: what became of a file and of its activation, told to CI360 as an external event."""

from __future__ import annotations

import json
import logging
from typing import Any

import boto3
import pytest
import urllib3
from activation.authentication.store import SecretStore
from activation.aws.app_events import SOURCE
from activation.aws.sqs_edge import sqs_handler
from activation.errors import ActivationError, ConfigError, Rejected, Retryable

from lambdas.ci360.gateway import Tenant, send_event
from lambdas.ci360.results import Results
from lambdas.ci360.settings import ResultsSettings
from tests.unit.ci360.world import REGION, Context, World

EVENTS = {"landed": "AudienceLanded", "completed": "AudienceActivated", "failed": "AudienceFailed"}


@pytest.fixture
def results(world: World) -> Results:
    """Return the function's core, with the secret the simulated access point gives out."""
    secrets = boto3.client("secretsmanager", region_name=REGION)
    secret = json.dumps(world.outside.secret())
    arn = secrets.create_secret(Name="ci360", SecretString=secret)["ARN"]
    settings = ResultsSettings(
        "occurrences", world.queue, arn, "gateway.example", EVENTS, ("subject_id", "app"), any_endpoint=True
    )
    http, log = urllib3.PoolManager(retries=False), logging.getLogger("ci360")
    return Results(settings, world.occurrences, SecretStore(secrets, arn), http, world.sqs, log)


def notice(detail_type: str, **detail: Any) -> str:
    """Write an event of the bus as the queue brings it."""
    return json.dumps({"source": SOURCE, "detail-type": detail_type, "detail": detail})


def activation(key: str, detail_type: str = "Activation Completed") -> str:
    """Write a connector's event of a run."""
    rows = {"in": 2, "acknowledged": 1, "rejected_by_us": 1, "rejected_by_platform": 0}
    return notice(detail_type, key=key, run_id="run-1", rows=rows, reason=None)


def test_a_landed_file_is_told_with_its_tracking_code(world: World, results: Results) -> None:
    """The event the transfer itself announced becomes an external event under the tenant's token."""
    key = world.accept("1,a@b.example,X\n", tracking_code="track-1", occurrence_id="occurrence-1")
    world.advance(key)
    (detail,) = world.events.details("Landing Completed")
    assert results.tell(notice("Landing Completed", **detail)) == "AudienceLanded"
    (event,) = world.outside.state()["events"]
    assert event == {
        "eventName": "AudienceLanded",
        "subject_id": "app",
        "responseTrackingCode": "track-1",
        "occurrenceId": "occurrence-1",
        "taskCode": "TSK_202",
        "outcome": "Landing Completed",
        "file": key,
        "rows": "1",
    }


def test_an_activation_is_told_with_its_counts(world: World, results: Results) -> None:
    """What the connector made of the drop goes back with the same tracking code."""
    key = world.accept("1,a@b.example,X\n", tracking_code="track-1")
    assert results.tell(activation(key)) == "AudienceActivated"
    assert results.tell(activation(key, "Activation Failed")) == "AudienceFailed"
    first, second = world.outside.state()["events"]
    assert (first["rows"], first["rowsAcknowledged"], first["rowsRejected"]) == ("2", "1", "1")
    assert first["responseTrackingCode"] == second["responseTrackingCode"] == "track-1"
    assert (first["runId"], second["outcome"]) == ("run-1", "Activation Failed")


def test_a_failure_is_told_with_its_code(world: World, results: Results) -> None:
    """CI360 hears of what did not work, by a code and without a value."""
    key = world.accept("1\n", tracking_code="track-1")
    world.advance(key)
    (detail,) = world.events.details("Landing Failed")
    assert results.tell(notice("Landing Failed", **detail)) == "AudienceFailed"
    assert world.outside.state()["events"][0]["reason"] == "column_count"


def test_what_did_not_come_from_ci360_is_not_told(world: World, results: Results) -> None:
    """A drop of somebody else's, an outcome without a name, and a blocked run are nobody's business there."""
    key = world.accept("1,a@b.example,X\n")
    results.settings.events["landed"] = ""  # type: ignore[index]  # a dict in this test
    for body in (
        activation("meta/VIP/raw/somebody.csv"),
        notice("Landing Completed", key=key),
        activation(key, "Activation Blocked"),
    ):
        assert results.tell(body) == ""
    assert world.outside.state()["events"] == []
    results.settings.events["landed"] = "AudienceLanded"  # type: ignore[index]  # a dict in this test


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, Retryable), (429, Retryable), (401, ConfigError), (403, ConfigError), (400, Rejected)],
)
def test_answers_of_the_gateway(world: World, status: int, kind: type[ActivationError]) -> None:
    """A busy gateway is asked again, a refused secret waits for a person, a refused event is one."""
    world.outside.fail({"route": "/marketingGateway/events", "status": status, "body": {}})
    tenant = Tenant.from_secret(json.dumps(world.outside.secret()), any_endpoint=True)
    with pytest.raises(kind):
        send_event(urllib3.PoolManager(retries=False), "gateway.example", tenant, {"eventName": "x"})


def test_a_wrong_secret_is_refused(world: World) -> None:
    """The simulated gateway checks the token's signature, as SAS's does."""
    secret = {**world.outside.secret(), "client_secret": "another"}
    tenant = Tenant.from_secret(json.dumps(secret), any_endpoint=True)
    with pytest.raises(ConfigError):
        send_event(urllib3.PoolManager(retries=False), "g.example", tenant, {})
    assert world.outside.state()["events"] == []


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "[]",
        "{}",
        '{"tenant_id": "a"}',
        '{"tenant_id": 5, "client_secret": "b"}',
        '{"tenant_id": "a", "client_secret": "s3cret", "endpoint": "http://elsewhere.example"}',
    ],
)
def test_a_secret_that_cannot_be_used_says_what_is_missing(secret: str) -> None:
    """By the name of the key, and never by a value; plain http goes to this machine only."""
    with pytest.raises(ConfigError) as error:
        Tenant.from_secret(secret, any_endpoint=True)
    assert "s3cret" not in str(error.value)


def test_a_secret_cannot_divert_results() -> None:
    """Where the deployment does not allow it, a secret that names another server sends nothing."""
    secret = {"tenant_id": "a", "client_secret": "s3cret", "endpoint": "https://elsewhere.example"}
    with pytest.raises(ConfigError) as error:
        Tenant.from_secret(json.dumps(secret))
    assert error.value.code == "other_endpoint"


def test_a_missing_secret_waits_for_a_person(world: World, results: Results) -> None:
    """Until somebody has written it, messages come back and end among the dead letters."""
    secrets = boto3.client("secretsmanager", region_name=REGION)
    secrets.delete_secret(SecretId=results.settings.secret_arn, ForceDeleteWithoutRecovery=True)
    with pytest.raises(ConfigError):
        results.tell(activation(world.accept("1,a@b.example,X\n")))


def test_an_event_that_cannot_be_sent_comes_back(world: World, results: Results) -> None:
    """A busy gateway's message is reported to Lambda, and one that was sent is not."""
    handler = sqs_handler(lambda: results, results.log)
    record = {
        "messageId": "m-1",
        "receiptHandle": "r-1",
        "body": activation(world.accept("1,a@b.example,X\n")),
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    world.outside.fail({"route": "/marketingGateway/events", "status": 503, "body": {}})
    assert handler({"Records": [record]}, Context()) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert handler({"Records": [record]}, Context()) == {"batchItemFailures": []}
