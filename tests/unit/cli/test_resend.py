"""Events that never reached a connector's queue, put into it by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from activation.drops.messages import read
from activation.drops.sources import Origins
from moto import mock_aws

from cli.deployment import Deployment
from cli.resend import deliver, force
from lambdas.doctor.addresses import ConnectorAddresses

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

DROP = json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": {}})
NOTICE = json.dumps({"source": "audience-activation", "detail-type": "Activation Failed", "detail": {}})


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[SQSClient]:
    """Return SQS with two empty queues."""
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


DAY = datetime(2026, 11, 20, tzinfo=UTC)


def keep_receipts(*receipts: tuple[str, str, str, dict[str, str]]) -> None:
    """Store receipts of runs that began a minute apart: state, action, version, and what else the drop has."""
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="receipts")
    for minute, (state, action, version, more) in enumerate(receipts):
        key = f"meta/vip/raw/{action}/f"
        receipt = {
            "state": state,
            "action": action,
            "started_at": f"2026-11-20T10:0{minute}:00.000+00:00",
            "drop": {"bucket": "drops", "key": key, "version_id": version, "size_bytes": 9, **more},
        }
        s3.put_object(Bucket="receipts", Key=f"receipts/meta/vip/{9 - minute}.json", Body=json.dumps(receipt))


def deployment(sqs: SQSClient) -> Deployment:
    """Return a deployment of one connector."""
    url = sqs.get_queue_url(QueueName="queue")["QueueUrl"]
    addresses = ConnectorAddresses(url, url, url, url, "function", "rule")
    return Deployment("drops", "receipts", "ledger", "", {"meta": addresses})


@pytest.mark.parametrize(("action", "sent"), [("add", ["v2", "v1", "v3"]), ("replace", ["v3"])])
def test_force_puts_no_older_version_on_a_newer_one(sqs: SQSClient, action: str, sent: list[str]) -> None:
    """Every version that ended is sent, or of those that took each other's place the last one that landed."""
    states = {"v1": "applied", "v2": "superseded", "v3": "applied", "v4": "failed"}
    keep_receipts(*((state, action, version, {}) for version, state in states.items()))
    assert force(deployment(sqs), "meta", DAY, DAY.replace(hour=11)) == len(sent)
    forced = [json.loads(body)["detail"]["object"] for body in bodies(sqs, "queue")]
    assert [one["version-id"] for one in forced] == sent
    assert not any("sequencer" in one for one in forced)


def test_force_sends_a_superseded_version_that_is_asked_for_alone(sqs: SQSClient) -> None:
    """In a time in which no other version of its object began, it is what there is to send."""
    keep_receipts(("applied", "replace", "v2", {}), ("superseded", "replace", "v1", {}))
    assert force(deployment(sqs), "meta", DAY.replace(hour=10, minute=1), DAY.replace(hour=11)) == 1
    (forced,) = (json.loads(body)["detail"]["object"]["version-id"] for body in bodies(sqs, "queue"))
    assert forced == "v1"


@pytest.mark.parametrize("action", ["add", "replace"])
def test_force_sends_to_each_ad_account_what_was_sent_to_it(sqs: SQSClient, action: str) -> None:
    """One version that went to three accounts goes to the same three, each of them once."""
    accounts = [{}, {"ad_account": ""}, {"ad_account": "12"}, {"ad_account": "34"}, {"ad_account": "34"}]
    keep_receipts(*(("applied", action, "v1", account) for account in accounts))
    assert force(deployment(sqs), "meta", DAY, DAY.replace(hour=11)) == 3
    forced = [read(body, origins=Origins("meta", "drops"), account="") for body in bodies(sqs, "queue")]
    assert [one.ad_account for one in forced] == ["", "12", "34"]
    assert len({one.run_id("meta") for one in forced}) == 3


def test_force_sends_of_a_key_without_versions_what_is_left(sqs: SQSClient) -> None:
    """Where a bucket keeps no versions, only the last bytes under a key can be sent once more."""
    keep_receipts(*(("applied", "add", "null", {"etag": etag}) for etag in ("e1", "e2")))
    assert force(deployment(sqs), "meta", DAY, DAY.replace(hour=11)) == 1
    (forced,) = (json.loads(body)["detail"]["object"] for body in bodies(sqs, "queue"))
    assert forced["etag"] == "e2"
