"""Dead letters of one run or one reason: listed first, and moved without the others."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from activation.aws.dead_letters import letter
from activation.aws.table import ConditionalTable
from activation.ledger.orders import OrderKind, Orders
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from cli.letters import DeadLetters
from lambdas.doctor.addresses import ConnectorAddresses
from tests.unit.cli.ledger_in_moto import LEDGER, item, make_ledger, put

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
        make_ledger()
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


def wrong(run: str, code: str = HOPELESS, message: str = "again", audience: str = "VIP") -> dict[str, Any]:
    """Return the record of a run that has failed a moment ago and left no letter."""
    facts = {"code": {"S": code}, "sentence": {"S": "Why."}, "message": {"S": message}}
    return item(run, "failed", at=time.time() - 60, audience=audience) | facts


def test_a_run_whose_drop_is_wrong_is_repeated_without_a_letter(sqs: SQSClient) -> None:
    """It is listed beside the letters, and its record has the message; who repeated it is kept."""
    put(wrong("a" * 32), wrong("b" * 32, "stopped"), wrong("c" * 32, "token_refused"))
    listed = {one["run_id"]: one["dead_letter"] for one in json.loads(asked("--list", "--json").stdout)}
    assert listed == {f"{at:032x}": True for at in range(12)} | {"a" * 32: False}
    assert f"{HOPELESS} (user, no dead letter)" in asked("--list", "--run", "aaaa").stdout
    done = asked("--run", "aaaa")
    assert (done.exit_code, done.stdout) == (0, "1 run without a dead letter repeated\n")
    assert bodies(sqs, "queue") == {"again"}
    (order,) = Orders(ConditionalTable(boto3.client("dynamodb"), LEDGER), "meta").of("a" * 32)
    assert order.kind is OrderKind.RETRY
    done = asked("--reason", HOPELESS, "--yes")
    assert done.stdout == "8 messages moved back to meta\n1 run without a dead letter repeated\n"


def test_a_wrong_drop_is_forgotten_as_a_letter_is(sqs: SQSClient) -> None:
    """A run of three weeks ago, and one that an earlier release ended with a letter, are not repeated twice."""
    put(wrong("a" * 32) | {"started_at": {"N": str(time.time() - 21 * 86_400)}}, wrong(f"{1:032x}"))
    assert asked("--run", "aaaa").exit_code == 1
    done = asked("--run", f"{1:032x}")
    assert done.stdout == "1 message moved back to meta\n"
    assert bodies(sqs, "queue") == {"1"}


def test_what_was_moved_and_repeated_is_one_object_with_json(sqs: SQSClient) -> None:
    """So it is where nothing matches, as an error on stderr."""
    put(wrong("a" * 32))
    done = json.loads(asked("--reason", HOPELESS, "--yes", "--json").stdout)
    assert done == {"of": "meta", "moved": 8, "repeated": 1, "left_out": 0}
    assert bodies(sqs, "queue") >= {"again"}


def test_what_a_later_run_has_sent_is_left_out_of_a_reason(sqs: SQSClient) -> None:
    """Monday's file would bring back who withdrew until Tuesday; what no later run sent is repeated."""
    now, corrected, other, early = time.time(), "a" * 32, "b" * 32, "c" * 32
    put(wrong(corrected, message="corrected"), wrong(other, message="other", audience="Other"))
    put(wrong(early, message="early", audience="Early"))
    put(item("d" * 32, at=now - 30), item("e" * 32, at=now - 90, audience="Early"))
    listed = {one["run_id"]: one["corrected"] for one in json.loads(asked("--list", "--json").stdout)}
    assert [run for run, is_corrected in listed.items() if is_corrected] == [corrected]
    assert "no dead letter, sent since by a later run" in asked("--list", "--run", "aaaa").stdout
    done = asked("--reason", HOPELESS, "--yes")
    assert done.stdout == "8 messages moved back to meta\n2 runs without a dead letter repeated\n"
    assert "left out" in done.stderr
    assert corrected[:12] in done.stderr
    assert bodies(sqs, "queue") == {"other", "early"} | {str(at) for at in range(12) if at % 3}
    assert asked("--run", "aaaa").exit_code == 0
    assert bodies(sqs, "queue") == {"corrected"}


def test_the_same_object_sent_since_for_another_audience_is_left_out(sqs: SQSClient) -> None:
    """A source may fill another audience by now; the object has been sent all the same."""
    key = {"object_key": {"S": "crm/people.csv"}}
    put(wrong("a" * 32) | key, item("b" * 32, "accepted", at=time.time() - 30, audience="Other") | key)
    assert asked("--reason", HOPELESS, "--yes").stdout == "8 messages moved back to meta\n"
    assert "again" not in bodies(sqs, "queue")


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_runs_without_a_letter_are_listed_and_asked_for(sqs: SQSClient, arguments: tuple[str, ...]) -> None:
    """Who says no, or cannot be asked, has moved nothing, and no letter either."""
    put(wrong("a" * 32))
    done = CliRunner().invoke(
        app, ["redrive", "--connector", "meta", "--reason", HOPELESS, *arguments], input="n\n"
    )
    assert done.exit_code == 1
    assert f"VIP (add): meta/VIP/raw/{'a' * 32}.csv" in done.stderr
    assert bodies(sqs, "queue") == set()


def test_runs_beyond_the_most_are_told_of(sqs: SQSClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are repeated, and the rest is not cut in silence."""
    monkeypatch.setattr("cli.runs.wrong_drops.MOST", 1)
    put(wrong("a" * 32), wrong("b" * 32, message="older") | {"started_at": {"N": str(time.time() - 90)}})
    told = "1 older run without a dead letter not shown"
    assert told in asked("--list").stderr
    done = asked("--reason", HOPELESS, "--yes")
    assert told in done.stderr
    assert "1 run without a dead letter repeated" in done.stdout
    assert "older" not in bodies(sqs, "queue")


def test_no_more_letters_are_read_than_asked_for(sqs: SQSClient) -> None:
    """The console shows a part of very many, and all stay where they are."""
    addresses = deployment.find().connector("meta")
    letters = DeadLetters(sqs, addresses.dead_letter_queue_url, addresses.queue_url)
    assert len(letters.read(5)) == 10  # as many as one call returns
    assert len(letters.read()) == 12
