"""`activation redrive`: of a connector, or of exports, and of nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import __main__, deployment
from cli.deployment import Deployment
from lambdas.doctor.addresses import LineQueues


class Sqs:
    """Moves every message at once, and keeps from where to where."""

    def __init__(self) -> None:
        self.moved: list[tuple[str, str]] = []

    def receive_message(self, *, QueueUrl: str, MaxNumberOfMessages: int) -> dict[str, Any]:
        """Return no undelivered event."""
        assert (QueueUrl, MaxNumberOfMessages) == ("lost", 10)
        return {}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        """Return a queue's ARN."""
        assert AttributeNames == ["QueueArn"]
        return {"Attributes": {"QueueArn": f"arn of {QueueUrl}"}}

    def start_message_move_task(self, *, SourceArn: str, DestinationArn: str) -> None:
        """Move the messages."""
        self.moved.append((SourceArn, DestinationArn))

    def list_message_move_tasks(self, *, SourceArn: str) -> dict[str, Any]:
        """Return the task."""
        assert SourceArn == self.moved[-1][0]
        return {"Results": [{"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 2}]}


def test_exports_are_moved_between_their_own_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dead letters of exports go back to the queue of the function that starts the job."""
    sqs, outputs = Sqs(), {"NormalizeDeadLetterQueueUrl": "dead", "NormalizeQueueUrl": "queue"}
    monkeypatch.setattr("boto3.client", lambda service: sqs if service == "sqs" else None)
    monkeypatch.setattr(deployment, "app_name", lambda: "ours")
    monkeypatch.setattr(deployment, "outputs_of", lambda _, stack: outputs if stack == "ours-normalize" else {})
    result = CliRunner().invoke(__main__.app, ["redrive", "--exports"])
    assert (result.exit_code, sqs.moved) == (0, [("arn of dead", "arn of queue")])
    assert "2 messages moved back to exports" in result.output


def test_exports_without_a_queue_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where DataBrew makes every export, there are no dead letters to move."""
    monkeypatch.setattr("boto3.client", lambda _: None)
    monkeypatch.setattr(deployment, "app_name", lambda: "ours")
    monkeypatch.setattr(deployment, "outputs_of", lambda _, stack: {})
    result = CliRunner().invoke(__main__.app, ["redrive", "--exports"])
    assert result.exit_code == 1
    assert "docs/glue.md" in result.output
    assert "KeyError" not in repr(result.exception)


@pytest.mark.parametrize("arguments", [[], ["--connector", "meta", "--exports"]])
def test_it_is_one_or_the_other(arguments: list[str]) -> None:
    """Neither and both are mistakes of usage."""
    result = CliRunner().invoke(__main__.app, ["redrive", *arguments])
    assert result.exit_code == 2


def test_dead_letters_of_suppression_lists_go_back_to_their_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are redriven like a connector's, though the lists have no secret and no ad account."""
    sqs = Sqs()
    found = Deployment("drops", "receipts", "ledger", "archive", {}, lists=LineQueues("queue", "dead", "lost"))
    monkeypatch.setattr("boto3.client", lambda _: sqs)
    monkeypatch.setattr(deployment, "find", lambda: found)
    result = CliRunner().invoke(__main__.app, ["redrive", "--connector", "suppressions"])
    assert (result.exit_code, sqs.moved) == (0, [("arn of dead", "arn of queue")])


def test_what_was_moved_is_one_object_with_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs read how many messages went back, and of what."""
    sqs, outputs = Sqs(), {"NormalizeDeadLetterQueueUrl": "dead", "NormalizeQueueUrl": "queue"}
    monkeypatch.setattr("boto3.client", lambda service: sqs if service == "sqs" else None)
    monkeypatch.setattr(deployment, "app_name", lambda: "ours")
    monkeypatch.setattr(deployment, "outputs_of", lambda _, stack: outputs if stack == "ours-normalize" else {})
    result = CliRunner().invoke(__main__.app, ["redrive", "--exports", "--json"])
    assert json.loads(result.stdout) == {"of": "exports", "state": "completed", "moved": 2}
