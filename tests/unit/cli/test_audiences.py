"""`activation audiences`: what is listed, who approves, and what is forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.approvals import Approvals
from activation.ledger.audience_lock import AudienceLocks
from activation.ledger.audiences import KnownAudiences
from activation.ledger.keys import audience_key
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import Size
from activation.mirror.states import MirrorStates
from activation.model import Action, Audience
from activation.platforms.publisher import Opened
from moto import mock_aws
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app
from cli.deployment import ConnectorAddresses, Deployment

RUN = "0123456789abcdef0123456789abcdef"
LOCK = audience_key("meta", "42", "VIP")
SNAPSHOT = Snapshot(("run/00000",), 4, 4, "4-0", ("EMAIL",), "v", cells=False)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[ConditionalTable]:
    """Deploy an app whose ledger knows a mirrored audience, and one that waits for its queue."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        boto3.client("s3").create_bucket(
            Bucket="receipts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        urls = [boto3.client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "dead")]
        addresses = ConnectorAddresses("arn", urls[0], urls[1], "", "function", "rule")
        found = Deployment("drops", "receipts", "ledger", "a:b:c:d", {"meta": addresses}, {"meta": "meta"})
        monkeypatch.setattr(deployment, "find", lambda: found)
        one = ConditionalTable(client, "ledger")
        locks = AudienceLocks(one)
        locks.acquire(LOCK, RUN)
        locks.release(LOCK, RUN)
        opened = Opened("77", created=True)
        KnownAudiences(one).note(LOCK, Audience("meta", "VIP", Action.MIRROR), opened, RUN)
        states = MirrorStates(one)
        states.commit(LOCK, states.read(LOCK), SNAPSHOT, Size(RUN, 1_800_000_000, 4, 4, 0), mode="replace")
        yield one


def typed(*words: str, code: int = 0) -> str:
    """Type a command below `audiences` and return what it prints."""
    result = CliRunner().invoke(app, ["audiences", *words])
    assert result.exit_code == code, result.output
    return result.output


def keep_receipt(**more: Any) -> None:
    """Store the receipt of a run."""
    receipt = {"run_id": RUN, "connector": "meta", "state": "blocked", "reason": None} | more
    key = f"receipts/meta/VIP/{RUN}.json"
    boto3.client("s3").put_object(Bucket="receipts", Key=key, Body=json.dumps(receipt).encode())


@pytest.mark.usefixtures("table")
def test_audiences_are_listed_with_their_mirrors() -> None:
    """Each audience once, with what its mirror holds; JSON has all of it."""
    assert "VIP" in typed("list")
    (one,) = [json.loads(line) for line in typed("list", "--json").splitlines()]
    assert (one["platform"], one["account"], one["audience"], one["rows"]) == ("meta", "42", "VIP", 4)
    assert one["owned"] == f"created by run {RUN}"
    assert "4 rows" in typed("show", "VIP", "--connector", "meta")


def test_an_approval_names_who_gave_it_and_sends_the_run(table: ConditionalTable) -> None:
    """The run's dead letter is back in its queue, and the others stay."""
    keep_receipt(reason={"code": "needs_approval", "sentence": "5 of 10 would leave"})
    sqs = boto3.client("sqs")
    urls = {name: sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("queue", "dead")}
    for run in ("another", RUN, ""):
        named: dict[str, Any] = {"run_id": {"DataType": "String", "StringValue": run}} if run else {}
        sqs.send_message(QueueUrl=urls["dead"], MessageBody=f"of {run}", MessageAttributes=named)
    assert "5 of 10 would leave" in typed("approve", RUN[:12])
    approval = Approvals(table, "meta").of(RUN)
    assert approval is not None
    assert approval.by.startswith("arn:aws:")
    (message,) = sqs.receive_message(QueueUrl=urls["queue"])["Messages"]
    assert message["Body"] == f"of {RUN}"


@pytest.mark.parametrize("reason", [None, {"code": "state_lost", "sentence": "lost"}])
def test_only_a_run_that_waits_for_it_is_approved(table: ConditionalTable, reason: object) -> None:
    """An approval in advance would be one of nobody knows what."""
    keep_receipt(reason=reason)
    assert "waits for no approval" in typed("approve", RUN, code=1)
    assert Approvals(table, "meta").of(RUN) is None


def test_an_adopted_audience_is_ours_whatever_its_id(table: ConditionalTable) -> None:
    """A question is asked first."""
    known = KnownAudiences(table)
    assert (known.is_ours(LOCK, "77"), known.is_ours(LOCK, "78")) == (True, False)
    typed("adopt", "VIP", "--connector", "meta", code=1)
    assert not known.is_ours(LOCK, "78")
    typed("adopt", "VIP", "--connector", "meta", "--yes")
    assert known.is_ours(LOCK, "78")


@pytest.mark.parametrize(("by", "ours"), [("replace", True), ("baseline", False)])
def test_a_reset_forgets_what_the_audience_holds(table: ConditionalTable, by: str, ours: bool) -> None:
    """After one by baseline the audience is never replaced: people whom nobody knows are in it."""
    typed("reset", "VIP", "--connector", "meta", "--by", by, "--yes")
    state = MirrorStates(table).read(LOCK)
    assert (state.snapshot, state.version) == (None, 2)
    assert KnownAudiences(table).is_ours(LOCK, "77") is ours
    AudienceLocks(table).acquire(LOCK, "another")


def test_nothing_is_forgotten_while_a_run_works(table: ConditionalTable) -> None:
    """It compares with what is known."""
    AudienceLocks(table).acquire(LOCK, RUN)
    assert "a run is working" in typed("reset", "VIP", "--connector", "meta", "--by", "replace", "--yes", code=1)
    assert MirrorStates(table).read(LOCK).snapshot == SNAPSHOT


@pytest.mark.usefixtures("table")
def test_an_audience_that_nobody_knows_is_named() -> None:
    """A misspelt name resets nothing."""
    said = typed("reset", "VIPs", "--connector", "meta", "--by", "replace", "--yes", code=1)
    assert "no drop has come" in said
