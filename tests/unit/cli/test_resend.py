"""Events that never reached a connector's queue, put into it by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from cli.resend import deliver

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

DROP = json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": {}})
NOTICE = json.dumps({"source": "audience-activation", "detail-type": "Activation Failed", "detail": {}})


@pytest.fixture
def sqs() -> Iterator[SQSClient]:
    """Give SQS with two empty queues."""
    with mock_aws():
        client = boto3.client("sqs", region_name="eu-west-1")
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
