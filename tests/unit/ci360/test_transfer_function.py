"""The transfer's entry point: no failure is acknowledged, and a killed worker's message is soon seen again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from activation.aws.sqs_edge import sqs_handler
from botocore.exceptions import ClientError

from lambdas.ci360 import transfer
from lambdas.ci360.messages import message
from lambdas.ci360.occurrences import FINAL, State
from lambdas.ci360.transfer import HEARTBEAT_S
from tests.unit.ci360.world import Context, World

Handle = Callable[..., list[dict[str, str]]]
HIDDEN_S = 90


class Times:
    """The queue's client, remembering for how long messages were hidden."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self.hidden: list[int] = []
        self.broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def change_message_visibility_batch(self, **arguments: Any) -> dict[str, Any]:
        """Hide a message."""
        if self.broken:
            raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "ChangeMessageVisibilityBatch")
        self.hidden += [one["VisibilityTimeout"] for one in arguments["Entries"]]
        return {}


@pytest.fixture
def times(world: World) -> Times:
    """Return the client of the function's queue."""
    return Times(world.sqs)


@pytest.fixture
def handle(world: World, times: Times) -> Handle:
    """Return what hands the function a message and returns the failures it reports."""
    handler = sqs_handler(lambda: world.transfers(sqs=times), transfer._log, heartbeat_s=HEARTBEAT_S)
    return lambda key, receives=1: handler({"Records": [record(key, receives)]}, Context())["batchItemFailures"]


def record(key: str, receives: int = 1) -> dict[str, Any]:
    """Write a file's message as Lambda hands it over."""
    return {
        "messageId": "m-1",
        "receiptHandle": "r-1",
        "body": message(key),
        "attributes": {"ApproximateReceiveCount": str(receives)},
    }


def test_a_landed_file_is_acknowledged(world: World, times: Times, handle: Handle) -> None:
    """And while it was worked on its message was hidden for a short while only."""
    key = world.accept("1,a@b.example,X\n")
    assert handle(key) == []
    assert world.record(key).state is State.LANDED
    assert times.hidden == [HIDDEN_S]


def test_a_failed_file_is_acknowledged(world: World, handle: Handle) -> None:
    """Its end is written down and its dead letter sent; the message has nothing more to do."""
    key = world.accept("1\n")
    assert handle(key) == []
    assert world.record(key).state is State.FAILED


def test_a_held_file_comes_back_later_each_time(world: World, times: Times, handle: Handle) -> None:
    """Once the other worker's invocation is over, and then not so often that it uses up its receives."""
    key = world.accept("1,a@b.example,X\n")
    world.occurrences.claim(key)
    assert handle(key) == handle(key, receives=3) == [{"itemIdentifier": "m-1"}]
    assert times.hidden == [HIDDEN_S, 360, HIDDEN_S, 4 * 360]


def test_an_unexpected_error_is_not_acknowledged(
    world: World, handle: Handle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The message comes back, and the log has the error's type and place, not its text."""

    def fails(*_: object) -> None:
        raise RuntimeError("https://h.example/?X-Amz-Signature=1 anna@example.com")

    monkeypatch.setattr(world.occurrences, "claim", fails)
    assert handle(world.accept("1,a@b.example,X\n")) == [{"itemIdentifier": "m-1"}]
    assert "anna" not in caplog.text
    assert caplog.records[-1].__dict__["error"] == "RuntimeError"


def test_a_queue_that_does_not_answer_stops_nothing(world: World, times: Times, handle: Handle) -> None:
    """Then the queue's own time holds."""
    times.broken = True
    key = world.accept("1,a@b.example,X\n")
    assert handle(key) == []
    assert world.record(key).state is State.LANDED


def test_an_environment_that_is_not_set_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The variables that are missing are in the log, and the message comes back."""
    monkeypatch.delenv("OCCURRENCE_TABLE", raising=False)
    answer = transfer.lambda_handler({"Records": [record("ci360/x")]}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert "OCCURRENCE_TABLE" in caplog.records[-1].__dict__["why"]


@pytest.mark.parametrize("rows", ["1,a@b.example,X\n", "1\n"])
def test_a_busy_event_bus_delays_a_file_by_its_wait_alone(
    world: World, handle: Handle, monkeypatch: pytest.MonkeyPatch, rows: str
) -> None:
    """Its message, when it returns, finds no lease to wait for, whether the file has landed or failed."""
    busy: Any = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}

    def refuse(**_: object) -> None:
        raise ClientError(busy, "PutEvents")

    key = world.accept(rows)
    with monkeypatch.context() as patch:
        patch.setattr(world.events, "put_events", refuse)
        assert handle(key) == [{"itemIdentifier": "m-1"}]
    assert world.record(key).state not in FINAL
    world.clock.now += 1
    assert handle(key, receives=2) == []
    assert world.record(key).state in FINAL
