"""The transfer's entry point: no failure is acknowledged, and a killed worker's message is soon seen again."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.ci360 import transfer
from lambdas.ci360.messages import message
from lambdas.ci360.occurrences import State
from lambdas.ci360.transfer import HIDDEN_S
from tests.unit.ci360.world import World


class Times:
    """The queue's client, remembering for how long messages were hidden."""

    def __init__(self) -> None:
        self.hidden: list[int] = []
        self.broken = False

    def change_message_visibility(self, **arguments: Any) -> None:
        """Hide a message."""
        if self.broken:
            raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "ChangeMessageVisibility")
        self.hidden.append(arguments["VisibilityTimeout"])


class Context:
    """Lambda's, with time enough."""

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the invocation."""
        return 300_000


@pytest.fixture
def times(world: World, monkeypatch: pytest.MonkeyPatch) -> Times:
    """Put the world's transfers behind the handler."""
    made = Times()
    monkeypatch.setattr(transfer, "_made", [(world.transfers(), made)])
    return made


def handle(key: str, receives: int = 1) -> list[dict[str, str]]:
    """Let the handler have a message; returns the failures it reports."""
    record = {
        "messageId": "m-1",
        "receiptHandle": "r-1",
        "body": message(key),
        "attributes": {"ApproximateReceiveCount": str(receives)},
    }
    answer: list[dict[str, str]] = transfer.lambda_handler({"Records": [record]}, Context())["batchItemFailures"]
    return answer


def test_a_landed_file_is_acknowledged(world: World, times: Times) -> None:
    """And while it was worked on its message was hidden for a short while only."""
    key = world.accept("1,a@b.example,X\n")
    assert handle(key) == []
    assert world.record(key).state is State.LANDED
    assert times.hidden == [HIDDEN_S]


def test_a_failed_file_is_acknowledged(world: World, times: Times) -> None:
    """Its end is written down and its dead letter sent; the message has nothing more to do."""
    key = world.accept("1\n")
    assert handle(key) == []
    assert world.record(key).state is State.FAILED


def test_a_held_file_comes_back_later_each_time(world: World, times: Times) -> None:
    """Soon at first, and then not so often that it uses up its receives."""
    key = world.accept("1,a@b.example,X\n")
    world.occurrences.claim(key)
    assert handle(key) == handle(key, receives=3) == [{"itemIdentifier": "m-1"}]
    first, third = times.hidden
    assert 60 <= first <= 62
    assert third > first + 200


def test_an_error_nobody_foresaw_is_not_acknowledged(
    world: World, times: Times, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The message comes back, and the log has the error's type and place, not its text."""

    def fails(*_: object) -> None:
        raise RuntimeError("https://h.example/?X-Amz-Signature=1 anna@example.com")

    monkeypatch.setattr(world.occurrences, "claim", fails)
    assert handle(world.accept("1,a@b.example,X\n")) == [{"itemIdentifier": "m-1"}]
    assert "anna" not in caplog.text
    assert caplog.records[-1].__dict__["error"] == "RuntimeError"


def test_a_queue_that_does_not_answer_stops_nothing(world: World, times: Times) -> None:
    """Then the queue's own time holds."""
    times.broken = True
    key = world.accept("1,a@b.example,X\n")
    assert handle(key) == []
    assert world.record(key).state is State.LANDED


def test_an_environment_that_is_not_set_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The variables that are missing are in the log, and the message comes back."""
    monkeypatch.setattr(transfer, "_made", [])
    monkeypatch.delenv("OCCURRENCE_TABLE", raising=False)
    assert handle("ci360/x") == [{"itemIdentifier": "m-1"}]
    assert "OCCURRENCE_TABLE" in caplog.records[-1].__dict__["reason"]
