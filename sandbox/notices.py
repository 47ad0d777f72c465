"""The sandbox's own topic for alarms and notices, and a queue that keeps what people would be mailed."""

from __future__ import annotations

import json
from typing import Any

from sandbox.connectors import client
from sandbox.emulator.environment import ACCOUNT, REGION

NAME = "sandbox-notices"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{NAME}"
# The context flag that names the topic, since the settings as shipped name nobody.
FLAG = {"alarms": TOPIC}


def make(endpoint_url: str) -> str:
    """Make the topic, as a user's own has to be, and the queue; return the queue's URL. It may exist already."""
    sns, sqs = client(endpoint_url, "sns"), client(endpoint_url, "sqs")
    sns.create_topic(Name=NAME)
    policy = _policy("sns:Publish", TOPIC, "cloudwatch.amazonaws.com", "events.amazonaws.com")
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)
    url: str = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}"
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": _policy("sqs:SendMessage", arn, "sns.amazonaws.com")}
    )
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return url


def _policy(action: str, arn: str, *services: str) -> str:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": list(services)},
        "Action": action,
        "Resource": arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
