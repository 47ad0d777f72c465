"""Drops whose key cannot be read, and messages that cannot: listed, shown and discarded by commands."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import boto3
import pytest
from activation.aws.dead_letters import letter
from activation.aws.table import ConditionalTable
from activation.errors import Rejected
from activation.ledger.keys import NO_CONNECTOR
from activation.ledger.orders import OrderKind, Orders
from activation.ledger.unread import UnreadObjects
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.console.deployed import DeployedSource
from cli.deployment import Deployment
from cli.letters import NO_REASON
from cli.runs.listing import Wanted, list_runs
from lambdas.doctor.addresses import ConnectorAddresses, LineQueues
from tests.unit.cli.ledger_in_moto import LEDGER, START, item, make_ledger, put

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

UNREAD, RUN, KEY = "a" * 32, "b" * 32, "meta/people.csv"
WRONG = Rejected("wrong_depth", "the key has 2 parts")


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[SQSClient]:
    """Return SQS with dead letters of a wrong key, of a message that is no JSON, and of a blocked run."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(sys, "argv", [".venv/bin/activation"])
    with mock_aws():
        client = boto3.client("sqs")
        names = ("queue", "dead", "undelivered", "other", "other-dead", "other-undelivered")
        urls = [client.create_queue(QueueName=name)["QueueUrl"] for name in names]
        addresses = {
            "meta": ConnectorAddresses("secret", urls[0], urls[1], urls[2], "function", "rule"),
            "tiktok": ConnectorAddresses("secret", urls[3], urls[4], urls[5], "function", "rule"),
        }
        found = Deployment("drops", "receipts", LEDGER, "archive", addresses, {"meta": "meta", "tiktok": "tiktok"})
        monkeypatch.setattr(deployment, "find", lambda: found)
        boto3.client("s3").create_bucket(Bucket="receipts")
        make_ledger()
        put(item(RUN, "blocked", at=START + 1, code="token_refused", message="go on"))
        UnreadObjects(table(), ttl_days=9, clock=lambda: START).note("meta", UNREAD, KEY, "failed", WRONG)
        dead = urls[1]
        client.send_message(QueueUrl=dead, **letter("key", code=WRONG.code, reason="Why.", run_id=UNREAD))
        client.send_message(QueueUrl=dead, **letter("{no", code="not_json", reason="Why."))
        client.send_message(QueueUrl=dead, **letter("run", code="token_refused", reason="Why.", run_id=RUN))
        client.send_message(QueueUrl=dead, **letter("died"))
        other = letter("elsewhere", code="token_refused", reason="Why.", run_id="c" * 32)
        client.send_message(QueueUrl=urls[4], **other)
        yield client


def table() -> ConditionalTable:
    """Return the ledger's table."""
    return ConditionalTable(boto3.client("dynamodb"), LEDGER)


def asked(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(arguments))


def bodies(sqs: SQSClient, name: str) -> set[str]:
    """Receive all of a queue."""
    url, found = sqs.get_queue_url(QueueName=name)["QueueUrl"], set()
    while some := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found |= {one["Body"] for one in some}
    return found


@pytest.mark.usefixtures("sqs")
@pytest.mark.parametrize("run", [UNREAD, UNREAD[:12]])
def test_a_drop_with_a_wrong_key_is_listed_and_shown(run: str) -> None:
    """Among the runs, by its id or the beginning of it, with its key and what is wrong with that."""
    listed = asked("runs", "--connector", "meta").stdout
    assert f"{UNREAD[:12]} failed" in listed
    assert f"meta: its key cannot be read, {KEY}\n  wrong_depth: the key has 2 parts" in listed
    shown = asked("run", "show", run)
    assert shown.exit_code == 1
    assert f"file      {KEY}" in shown.stdout
    assert "wrong_depth: the key has 2 parts" in shown.stdout
    assert asked("receipt", run).exit_code == 1


@pytest.mark.usefixtures("sqs")
@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        (Wanted(), [RUN, UNREAD]),
        (Wanted(connector="meta", state="failed"), [UNREAD]),
        (Wanted(connector="met"), []),
        (Wanted(connector="tiktok"), []),
        (Wanted(run="a"), [UNREAD]),
        (Wanted(run="b"), [RUN]),
    ],
)
def test_it_is_selected_like_a_run(wanted: Wanted, runs: list[str]) -> None:
    """By connector, state and the beginning of its id."""
    rows = list_runs(boto3.client("dynamodb"), LEDGER, wanted, limit=9)
    assert [one.run_id for one in rows] == runs


@pytest.mark.usefixtures("sqs")
def test_a_drop_whose_key_can_be_read_by_now_is_its_run() -> None:
    """A setting was corrected and the letter redriven: the run is what the id means."""
    put(item(UNREAD))
    for run in (UNREAD, UNREAD[:12]):
        assert asked("run", "show", run).exit_code == 0


@pytest.mark.usefixtures("sqs")
def test_an_object_of_no_connector_is_shown_and_has_nothing_to_discard() -> None:
    """The watch over the bucket has noted it: no message was ever sent, and no list of runs has it."""
    stray = "d" * 32
    why = Rejected("unknown_connector", "no connector has this name")
    UnreadObjects(table(), ttl_days=9, clock=lambda: START).note(
        NO_CONNECTOR, stray, "metta/a.csv", "ignored", why
    )
    shown = asked("run", "show", stray)
    assert (shown.exit_code, "nothing: its key begins with no connector's name" in shown.stdout) == (1, True)
    assert "began     2026-05-28 20:26:40 UTC\ntook      0 s" in shown.stdout
    receipt = json.loads(asked("receipt", stray, "--json").stdout)
    assert receipt["started_at"] == receipt["written_at"]
    for command in (("run", "show"), ("receipt",)):
        short = asked(*command, stray[:12])
        assert (short.exit_code, "by its whole id alone" in short.stderr) == (4, True)
        assert "whole id" not in asked(*command, "e" * 32).stderr
    refused = asked("run", "discard", stray, "--yes")
    assert (refused.exit_code, "it belongs to no connector" in refused.stderr) == (1, True)
    assert stray[:12] not in asked("runs").stdout


def test_it_is_discarded_with_who_did(sqs: SQSClient) -> None:
    """Its letter goes and others stay; the record and the page say who, and a second time is refused unasked."""
    done = asked("run", "discard", UNREAD, "--yes")
    assert (done.exit_code, "its dead letter is deleted" in done.stdout) == (0, True)
    assert bodies(sqs, "dead") == {"{no", "run", "died"}
    assert bodies(sqs, "queue") == set()
    (order,) = Orders(table(), "meta").of(UNREAD)
    assert (order.kind, order.by[:13]) == (OrderKind.DISCARD, "arn:aws:sts::")
    shown = asked("run", "show", UNREAD, "--json")
    told = json.loads(shown.stdout)
    assert told["code"] == "discarded"
    assert f"discarded by {order.by}; it was refused for wrong_depth: the key has 2 parts" in told["sentence"]
    assert told["receipt"]["orders"][0]["by"] == order.by
    again = CliRunner().invoke(app, ["run", "discard", UNREAD], input="")
    assert (again.exit_code, "it was discarded already" in again.stderr) == (1, True)
    assert "Discard it?" not in again.stdout


def test_the_console_shows_it_and_gives_it_up(sqs: SQSClient) -> None:
    """The link of a dead letter leads to a page, and its action ends the letter."""
    source = DeployedSource(deployment.find(), "activation")
    run = source.run(UNREAD)
    assert (run.row.is_unread, run.receipt["reason"]["code"]) == (True, "wrong_depth")
    assert "its dead letter is deleted" in source.act("discard", UNREAD)  # type: ignore[arg-type]  # its value
    assert source.run(UNREAD).receipt["reason"]["code"] == "discarded"
    assert "key" not in bodies(sqs, "dead")


def test_the_letters_of_a_reason_are_discarded(sqs: SQSClient) -> None:
    """A key's as its drop, a run's as the run, and one of a message that cannot be read is deleted and noted."""
    assert asked("redrive", "--connector", "meta", "--reason", "wrong_depth", "--discard", "--yes").exit_code == 0
    done = asked("redrive", "--connector", "meta", "--reason", "not_json", "--discard", "--yes", "--json")
    assert json.loads(done.stdout) == {"of": "meta", "discarded": 0, "deleted": 1, "left": 0}
    assert asked("redrive", "--connector", "meta", "--run", RUN[:8], "--discard", "--yes").exit_code == 0
    assert bodies(sqs, "dead") == {"died"}
    assert bodies(sqs, "queue") == {"run"}  # with which the worker ends the run
    noted = [one for one in map(json.loads, asked("runs", "--json").stdout.splitlines()) if not one["file"]]
    (message,) = noted
    assert message["sentence"].startswith("discarded by arn:aws:sts::")
    assert message["sentence"].endswith("it was refused for not_json: Why.")
    assert "a message that cannot be read" in asked("run", "show", message["run_id"]).stdout


def test_a_letter_that_may_be_of_a_run_is_left(sqs: SQSClient) -> None:
    """SQS moved it, and nothing says of which run it is: to delete it might leave that run without an end."""
    done = asked("redrive", "--connector", "meta", "--reason", NO_REASON, "--discard", "--yes")
    assert (done.exit_code, "may be of a run" in done.stderr) == (1, True)
    assert "died" in bodies(sqs, "dead")


def test_letters_are_discarded_after_a_yes(sqs: SQSClient) -> None:
    """They are listed first; without a choice, all of them at once cannot be discarded."""
    no = CliRunner().invoke(
        app, ["redrive", "--connector", "meta", "--reason", "not_json", "--discard"], input="n\n"
    )
    assert (no.exit_code, "meta: not_json (operator)" in no.stdout) == (1, True)
    assert "{no" in bodies(sqs, "dead")
    assert asked("redrive", "--connector", "meta", "--discard", "--yes").exit_code == 2


def test_a_run_without_a_letter_is_not_offered_to_be_discarded(sqs: SQSClient) -> None:
    """Its code is the chosen one, but there is no letter to discard."""
    stays = "e" * 32
    put(item(stays, "failed", at=time.time(), code="no_usable_column"))
    dead = sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    put(item("f" * 32, "failed", code="no_usable_column", message="go on"))
    sqs.send_message(QueueUrl=dead, **letter("old", code="no_usable_column", run_id="f" * 32))
    chosen = ["redrive", "--connector", "meta", "--reason", "no_usable_column"]
    assert stays[:12] in asked(*chosen, "--list").stdout
    done = CliRunner().invoke(app, [*chosen, "--discard"], input="y\n")
    assert (done.exit_code, "ffffffffffff" in done.stdout, stays[:12] in done.stdout) == (0, True, False)
    assert done.stdout.endswith("discarded 1 run or drop\n")


def test_letters_that_nothing_needs_are_deleted(sqs: SQSClient) -> None:
    """Two of one drop count as that drop, those of ended runs go, and the last line says what is left."""
    dead = sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    applied, discarded, forgotten = "e" * 32, "f" * 32, "d" * 32
    put(item(applied), item(discarded, "failed", code="discarded"))
    for run in (UNREAD, applied, discarded, forgotten):
        sqs.send_message(QueueUrl=dead, **letter(f"of {run}", code=WRONG.code, run_id=run))
    arguments = ["redrive", "--connector", "meta", "--reason", WRONG.code, "--discard", "--yes"]
    done = asked(*arguments)
    assert done.exit_code == 0
    assert done.stdout == "discarded 1 run or drop; deleted 2 letters of runs that have ended; left 1 letter\n"
    assert done.stderr == f"left: run {forgotten}: the ledger has forgotten it; redrive it\n"
    again = asked(*arguments, "--json")
    assert (again.exit_code, json.loads(again.stdout)["left"]) == (1, 1)
    assert bodies(sqs, "dead") == {"{no", "run", "died", f"of {forgotten}"}


def test_a_wrong_key_of_the_suppression_lists_is_discarded(
    sqs: SQSClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its letter goes, and with it the alarm; the lists need no connector."""
    names = ("lists", "lists-dead", "lists-undelivered")
    urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in names]
    found = replace(deployment.find(), lists=LineQueues(*urls))
    monkeypatch.setattr(deployment, "find", lambda: found)
    UnreadObjects(table(), ttl_days=9, clock=lambda: START).note("suppressions", "e" * 32, "key", "failed", WRONG)
    sqs.send_message(QueueUrl=urls[1], **letter("list", code=WRONG.code, run_id="e" * 32))
    done = asked("redrive", "--connector", "suppressions", "--reason", WRONG.code, "--discard", "--yes")
    assert (done.exit_code, done.stdout) == (0, "discarded 1 run or drop\n")
    assert bodies(sqs, "lists-dead") == set()
    assert json.loads(asked("run", "show", "e" * 32, "--json").stdout)["code"] == "discarded"


@pytest.mark.usefixtures("sqs")
def test_the_letters_of_all_connectors_are_listed_at_once() -> None:
    """Without --connector, with the connector of each."""
    listed = json.loads(asked("redrive", "--list", "--json").stdout)
    assert [(one["connector"], one["code"]) for one in listed if one["run_id"]] == [
        ("meta", "wrong_depth"),
        ("meta", "token_refused"),
        ("tiktok", "token_refused"),
    ]
    assert "tiktok: token_refused (operator)" in asked("redrive", "--list").stdout
