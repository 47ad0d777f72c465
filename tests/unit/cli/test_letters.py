"""Dead letters of one run or one reason: listed first, and moved without the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from activation.aws.dead_letters import letter
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from lambdas.doctor.addresses import ConnectorAddresses

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

TOKEN, HOPELESS = "token_refused", "no_usable_column"


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[SQSClient]:
    """Return SQS with twelve dead letters of a connector: four for a token, eight that no redrive can cure."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("sqs")
        queue, dead, lost = (
            client.create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "dead", "undelivered")
        )
        addresses = ConnectorAddresses("secret", queue, dead, lost, "function", "rule")
        found = Deployment("drops", "receipts", "ledger", "archive", {"meta": addresses}, {"meta": "meta"})
        monkeypatch.setattr(deployment, "find", lambda: found)
        for at in range(12):
            code = HOPELESS if at % 3 else TOKEN
            client.send_message(QueueUrl=dead, **letter(f"{at}", code=code, reason="Why.", run_id=f"{at:032x}"))
        yield client


def asked(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, ["redrive", "--connector", "meta", *arguments])


def bodies(sqs: SQSClient, name: str) -> set[str]:
    """Receive all of a queue."""
    url, found = sqs.get_queue_url(QueueName=name)["QueueUrl"], set()
    while some := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found |= {one["Body"] for one in some}
    return found


def test_letters_are_listed_and_stay(sqs: SQSClient) -> None:
    """Each has its run, code, who acts and sentence; listing twice shows the same, and moves nothing."""
    for _ in range(2):
        listed = json.loads(asked("--list", "--json").stdout)
        assert sorted(one["run_id"] for one in listed) == [f"{at:032x}" for at in range(12)]
    assert {(one["code"], one["who"]) for one in listed} == {(TOKEN, "operator"), (HOPELESS, "user")}
    assert json.loads(asked("--list", "--run", "zzz", "--json").stdout) == []
    shown = asked("--list", "--reason", TOKEN).stdout
    assert shown.count(f"{TOKEN} (operator)") == 4
    assert HOPELESS not in shown
    assert bodies(sqs, "queue") == set()


def test_the_letters_of_a_reason_are_moved_alone(sqs: SQSClient) -> None:
    """What no redrive can cure is not tried again, and not announced again."""
    done = asked("--reason", TOKEN)
    assert (done.exit_code, done.stdout) == (0, "4 messages moved back to meta\n")
    assert bodies(sqs, "queue") == {"0", "3", "6", "9"}
    assert bodies(sqs, "dead") == {str(at) for at in range(12) if at % 3}


def test_the_letter_of_a_run_is_moved_alone(sqs: SQSClient) -> None:
    """A run without a letter says how to list them."""
    assert asked("--run", f"{7:032x}").exit_code == 0
    assert bodies(sqs, "queue") == {"7"}
    none = asked("--run", "f" * 32)
    assert none.exit_code == 1
    assert "--list" in none.stderr
