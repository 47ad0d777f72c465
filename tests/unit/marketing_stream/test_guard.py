"""The guard of a deployment: what it refuses, what it lets pass, and that CloudFormation always has its answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from lambdas.marketing_stream import guard
from lambdas.marketing_stream.guard import Live, answer
from tests.unit.marketing_stream.fakes import refusal

NORMAL = {
    "Deliveries": ["sqs"],
    "MayNotGo": {"Queue": "", "Role": "firehose", "OtherRole": "firehose"},
    "MayNotBeThere": ["OldFunction"],
    "MustBeThere": [],
}
FIRST = NORMAL | {"MayNotBeThere": [], "MustBeThere": ["OldRole"]}
DIRECT = NORMAL | {"Deliveries": ["firehose"], "MayNotGo": {"Queue": "sqs", "Role": "", "OtherRole": "firehose"}}


def judged(
    properties: dict[str, Any], *ids: str, request: str = "Update", status: str = "UPDATE_IN_PROGRESS"
) -> tuple[str, list[float]]:
    """Return the refusal over a live stack of these ids, and the waits."""
    waits: list[float] = []
    asked = {"RequestType": request, "StackId": "stack", "ResourceProperties": properties}
    return answer(asked, lambda _: Live(status, frozenset(ids)), waits.append), waits


@pytest.mark.parametrize(
    ("properties", "ids", "sentence"),
    [
        (NORMAL, ("Queue", "OldFunction"), "stream_upgrade=first"),
        (FIRST, ("Queue",), "without stream_upgrade"),
        (NORMAL, ("Queue", "Role"), "would end the delivery firehose"),
        (DIRECT, ("Queue", "Role"), "stream_retire=sqs"),
        (DIRECT, ("OtherRole",), "firehose_roles"),
    ],
    ids=["example without the first step", "first step twice", "roles go", "queue goes", "other roles"],
)
def test_deployment_that_subscriptions_would_not_survive_is_refused(
    properties: dict[str, Any], ids: tuple[str, ...], sentence: str
) -> None:
    """Each refusal says what to deploy in its place."""
    said, _ = judged(properties, *ids)
    assert sentence in said
    assert "docs/marketing_stream.md" in said


@pytest.mark.parametrize(
    ("properties", "ids"),
    [(NORMAL, ("Queue",)), (NORMAL, ()), (FIRST, ("Queue", "OldFunction", "OldRole")), (DIRECT, ("Role",))],
    ids=["again", "new", "first step", "direct again"],
)
def test_deployment_that_takes_nothing_away_passes(properties: dict[str, Any], ids: tuple[str, ...]) -> None:
    """A new stack, one that stays as it is, and the first step over the example stack are let through."""
    assert judged(properties, *ids) == ("", [])


def test_undoing_is_never_refused() -> None:
    """A deletion and a rollback pass whatever is there: a refused rollback would leave a stack that is stuck."""
    assert judged(DIRECT, "Queue", request="Delete") == ("", [])
    assert judged(DIRECT, "Queue", status="UPDATE_ROLLBACK_IN_PROGRESS") == ("", [])


def test_old_invocations_are_waited_for_only_while_the_topic_lands() -> None:
    """Where the delivery stream is still subscribed to the topic, the removal waits; elsewhere nothing does."""
    settled = {"While": ["Subscription"], "WaitS": "45"}
    assert judged(settled, "Queue", "Subscription") == ("", [45.0])
    assert judged(settled, "Queue") == ("", [])


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Listen where CloudFormation waits for the answer; returns the address and the answers."""
    heard: list[dict[str, Any]] = []

    class Ear(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            assert not self.headers["Content-Type"]
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/?signature=secret", heard
    server.shutdown()
    server.server_close()


class Described:
    """CloudFormation's client for one stack, or one that fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        """Describe the stack."""
        if self.error:
            raise self.error
        return {"Stacks": [{"StackName": StackName, "StackStatus": "UPDATE_IN_PROGRESS"}]}

    def get_paginator(self, _operation: str) -> Described:
        """Return what pages."""
        return self

    def paginate(self, *, StackName: str) -> list[dict[str, Any]]:
        """Return two pages; a resource that is gone is still listed."""
        gone = {"LogicalResourceId": "OldFunction", "ResourceStatus": "DELETE_COMPLETE"}
        there = {"LogicalResourceId": "Role", "ResourceStatus": "CREATE_COMPLETE"}
        return [{"StackResourceSummaries": [gone]}, {"StackResourceSummaries": [there]}]


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (Described(), "would end the delivery firehose"),
        (Described(refusal("AccessDenied")), "could not look at the stack (AccessDenied)"),
        (Described(RuntimeError("boom")), "failed (RuntimeError)"),
    ],
    ids=["refused", "denied", "broken"],
)
def test_cloudformation_is_answered_whatever_happens(
    cloudformation: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    client: Described,
    reason: str,
) -> None:
    """A refusal and an error are both answered at the signed address, which is not logged."""
    caplog.set_level("INFO")
    address, heard = cloudformation
    monkeypatch.setattr(guard, "client", lambda _service: client)
    identity = {"StackId": "stack", "RequestId": "1", "LogicalResourceId": "GuardBefore"}
    asked = identity | {"RequestType": "Create", "ResponseURL": address, "ResourceProperties": NORMAL}
    guard.lambda_handler(asked, None)
    (said,) = heard
    assert said["Status"] == "FAILED"
    assert reason in said["Reason"]
    assert said["PhysicalResourceId"] == "GuardBefore"
    assert {key: said[key] for key in identity} == identity
    assert "signature" not in caplog.text
