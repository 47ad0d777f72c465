"""Events that never reached a connector's queue, put into it by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from cli.deployment import ConnectorAddresses, Deployment
from cli.resend import deliver, force

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

DROP = json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": {}})
NOTICE = json.dumps({"source": "audience-activation", "detail-type": "Activation Failed", "detail": {}})


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[SQSClient]:
    """Give SQS with two empty queues."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = boto3.client("sqs")
        for name in ("undelivered", "queue"):
            client.create_queue(QueueName=name)
        yield client


def bodies(sqs: SQSClient, name: str) -> list[str]:
    """Receive what lies in a queue."""
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    return [one["Body"] for one in found]


def test_drops_are_moved_and_notices_are_not(sqs: SQSClient) -> None:
    """The same queue keeps what no listener took of a failed run: that is no drop, and stays."""
    source = sqs.get_queue_url(QueueName="undelivered")["QueueUrl"]
    target = sqs.get_queue_url(QueueName="queue")["QueueUrl"]
    for body in (DROP, NOTICE, "not JSON", "[]", DROP):
        sqs.send_message(QueueUrl=source, MessageBody=body)
    assert deliver(sqs, source, target) == 2
    assert bodies(sqs, "queue") == [DROP, DROP]
    attributes = sqs.get_queue_attributes(
        QueueUrl=source,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    assert sum(int(count) for count in attributes.values()) == 3


@pytest.mark.parametrize(("action", "sent"), [("add", ["v1", "v3"]), ("replace", ["v3"])])
def test_force_puts_no_older_version_on_a_newer_one(sqs: SQSClient, action: str, sent: list[str]) -> None:
    """A version that never landed stays so, and of those that took each other's place the last one is sent."""
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="receipts")
    states = {"v1": "applied", "v2": "superseded", "v3": "applied", "v4": "failed"}
    for minute, (version, state) in enumerate(states.items()):
        receipt = {
            "state": state,
            "action": action,
            "started_at": f"2026-11-20T10:0{minute}:00.000+00:00",
            "drop": {"bucket": "drops", "key": f"meta/vip/raw/{action}/f", "version_id": version, "size_bytes": 9},
        }
        s3.put_object(Bucket="receipts", Key=f"receipts/meta/vip/{9 - minute}.json", Body=json.dumps(receipt))
    url = sqs.get_queue_url(QueueName="queue")["QueueUrl"]
    addresses = ConnectorAddresses(*(url for _ in fields(ConnectorAddresses)))
    found = Deployment("drops", "receipts", "ledger", "", {"meta": addresses})
    day = datetime(2026, 11, 20, tzinfo=UTC)
    assert force(found, "meta", day, day.replace(hour=11)) == len(sent)
    forced = [json.loads(body)["detail"]["object"] for body in bodies(sqs, "queue")]
    assert [one["version-id"] for one in forced] == sent
    assert not any("sequencer" in one for one in forced)
