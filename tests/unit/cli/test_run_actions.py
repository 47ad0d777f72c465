"""`activation run stop`, `retry` and `discard`: what they tell the worker, and what they refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import boto3
import pytest
from activation.aws.dead_letters import letter
from activation.aws.table import ConditionalTable
from activation.ledger.orders import OrderKind, Orders
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from lambdas.doctor.addresses import LineQueues
from tests.unit.cli.ledger_in_moto import LEDGER, item, put

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

RUN = "a" * 32
MESSAGE = '{"detail-type": "Activation Continued"}'


def asked(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, ["run", *arguments])


def orders() -> list[OrderKind]:
    """Return what the run was asked to do."""
    found = Orders(ConditionalTable(boto3.client("dynamodb"), LEDGER), "meta").of(RUN)
    assert all(one.by.startswith("arn:aws:sts::") for one in found)
    return [one.kind for one in found]


def queued(sqs: SQSClient, name: str = "queue") -> list[str]:
    """Return the messages of a queue."""
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return [one["Body"] for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]


@pytest.mark.parametrize(
    ("action", "waits", "sent", "says"),
    [
        ("stop", ("running", MESSAGE), [], "it stops after the requests that are in flight"),
        ("stop", ("waiting", MESSAGE), [MESSAGE], "it waits, and stops now"),
        ("discard", ("waiting", MESSAGE), [MESSAGE], "it is discarded now"),
        ("discard", ("waiting", ""), [], "it is discarded when its message comes, within 15 minutes"),
        ("discard", ("failed", MESSAGE), [MESSAGE], "it is discarded now"),
        ("retry", ("failed", MESSAGE), [MESSAGE], "it continues where it ended"),
    ],
)
def test_an_order_reaches_the_worker(
    sqs: SQSClient, action: str, waits: tuple[str, str], sent: list[str], says: str
) -> None:
    """The order is kept with the caller's ARN, and a run that waits is sent its message at once."""
    state, message = waits
    put(item(RUN, state, message=message))
    done = asked(action, RUN[:12], "--yes", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["says"].startswith(says)
    assert (orders(), queued(sqs)) == ([OrderKind(action)], sent)


@pytest.mark.parametrize("action", ["retry", "discard"])
def test_a_dead_letter_goes_back_and_others_stay(sqs: SQSClient, action: str) -> None:
    """A blocked run is continued or discarded by its own letter alone."""
    put(item(RUN, "blocked"))
    url = sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    for run in ("b" * 32, RUN):
        sqs.send_message(QueueUrl=url, **letter(f"of {run}", code="token_refused", run_id=run))
    assert asked(action, RUN, "--yes").exit_code == 0
    assert queued(sqs) == [f"of {RUN}"]
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert int(left["ApproximateNumberOfMessages"]) + int(left["ApproximateNumberOfMessagesNotVisible"]) == 1


@pytest.mark.parametrize(
    ("action", "record", "says"),
    [
        ("stop", item(RUN), "it is applied; only a run that is running or waiting can be stopped"),
        ("stop", item(RUN, "accepted"), "the platform has accepted all of it"),
        ("retry", item(RUN, "running"), "it is running; only a run that has failed"),
        ("retry", item(RUN, "failed", code="discarded"), "it was discarded: drop the file again"),
        ("discard", item(RUN, "running"), "it is running; only a run that waits, is blocked or has failed"),
        ("discard", item(RUN, "failed", code="discarded"), "it was discarded already"),
        ("stop", item(RUN, "running", pk=f"gone#run#{RUN}"), "it belongs to no connector"),
        ("stop", item(RUN, "running", pk=f"suppressions#run#{RUN}"), "it belongs to no connector"),  # not deployed
    ],
)
def test_what_a_state_does_not_allow_is_refused(
    sqs: SQSClient, action: str, record: dict[str, object], says: str
) -> None:
    """Nothing is ordered, and the reason is said."""
    put(record)
    done = asked(action, RUN, "--yes")
    assert done.exit_code == 1
    assert says in done.stderr
    assert (orders(), queued(sqs)) == ([], [])


@pytest.mark.parametrize(
    ("code", "state", "warns"),
    [
        ("not_utf8", "failed", True),
        ("replace_by_nobody", "blocked", True),
        ("busy", "failed", False),
        ("stopped", "failed", False),
    ],
)
def test_continuing_says_that_a_cause_has_to_be_removed_first(
    sqs: SQSClient, code: str, state: str, *, warns: bool
) -> None:
    """The run is continued all the same; of a platform's outage and of a stop nothing is said."""
    put(item(RUN, state, message=MESSAGE, code=code))
    done = asked("retry", RUN, "--yes")
    assert (done.exit_code, queued(sqs)) == (0, [MESSAGE])
    assert ("Continuing cannot help until what" in done.stdout) is warns
    assert (f"codes {code}" in done.stdout) is warns


@pytest.mark.usefixtures("sqs")
def test_a_failed_run_without_a_message_is_not_discarded() -> None:
    """Nothing can continue it, and no message comes that would end it."""
    put(item(RUN, "failed"))
    done = asked("discard", RUN, "--yes")
    assert (done.exit_code, "nothing continues it" in done.stderr) == (1, True)


@pytest.mark.usefixtures("sqs")
def test_nothing_happens_without_a_yes() -> None:
    """Who is asked and says no has changed nothing; a program has to say yes beforehand."""
    put(item(RUN, "running"))
    no = CliRunner().invoke(app, ["run", "stop", RUN], input="n\n")
    assert (no.exit_code, orders()) == (1, [])
    assert f"run {RUN}, running: meta: VIP (add), 10 rows, 1 rejected" in no.stdout
    assert asked("stop", RUN, "--json").exit_code == 2


def test_a_run_of_a_suppression_list_is_acted_on(sqs: SQSClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the lists' own queue, where they are deployed."""
    urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("lists", "lists-dead", "lists-lost")]
    found = replace(deployment.find(), lists=LineQueues(*urls))
    monkeypatch.setattr(deployment, "find", lambda: found)
    put(item(RUN, "waiting", pk=f"suppressions#run#{RUN}", message=MESSAGE))
    assert asked("stop", RUN, "--yes").exit_code == 0
    (order,) = Orders(ConditionalTable(boto3.client("dynamodb"), LEDGER), "suppressions").of(RUN)
    assert order.kind is OrderKind.STOP
    assert (queued(sqs, "lists"), queued(sqs)) == ([MESSAGE], [])
