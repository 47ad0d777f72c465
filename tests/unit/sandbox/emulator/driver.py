"""A running emulator as the tests of its hooks drive it."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from sandbox.emulator.environment import ACCOUNT, REGION, functions_python

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    url: str
    directory: Path

    def client(self, service: str, **config: Any) -> Any:
        """Return a client as the account's root user, which tries once unless told otherwise."""
        return boto3.client(  # type: ignore[call-overload]  # the service is not a literal here
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def queue(self, **attributes: str) -> tuple[str, str]:
        """Make a queue; returns its URL and ARN."""
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=_name(), Attributes=attributes)["QueueUrl"]
        got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, got["Attributes"]["QueueArn"]

    def open_queue(self, service: str = "events.amazonaws.com", **attributes: str) -> tuple[str, str]:
        """Make a queue that a service, EventBridge by default, may send to."""
        url, arn = self.queue(**attributes)
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url, arn

    def topic(self, **condition: Any) -> tuple[str, str]:
        """Make a topic that lets EventBridge publish; returns its ARN and the URL of a queue that hears it."""
        sns, (url, queue_arn) = self.client("sns"), self.open_queue("sns.amazonaws.com")
        arn = str(sns.create_topic(Name=_name())["TopicArn"])
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": arn,
            **({"Condition": condition} if condition else {}),
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
        return arn, url

    def bucket(self) -> str:
        """Make a versioned bucket that tells EventBridge."""
        s3, name = self.client("s3"), _name()
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        return name

    def rule(self, bucket: str, queue_arn: str, **target: Any) -> str:
        """Send the bucket's new objects to a queue; returns the rule's ARN."""
        events, name = self.client("events"), _name()
        pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
        arn = str(events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"])
        events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue_arn, **target}])
        return arn

    def receive(self, queue_url: str, within_s: float = 5.0) -> list[dict[str, Any]]:
        """Take what is in a queue, waiting for a first message; returns the messages, deleted."""
        sqs, end = self.client("sqs"), time.monotonic() + within_s
        while True:
            answer = sqs.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            messages: list[dict[str, Any]] = answer.get("Messages", [])
            for message in messages:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            if messages or time.monotonic() > end:
                return messages
            time.sleep(0.05)

    def function(
        self, code: str, more: dict[str, str] | None = None, *, layers: tuple[str, ...] = (), **properties: Any
    ) -> str:
        """Make a function of one module with a `handler`, and more files; returns its name."""
        name = _name()
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime=f"python{functions_python()}",
            Role=ROLE,
            Handler="code_under_test.handler",
            Code={"ZipFile": zipped({"code_under_test.py": code, **(more or {})})},
            Layers=list(layers),
            **{"Timeout": 10, **properties},
        )
        return name

    def invoke(self, name: str, event: object = None) -> Any:
        """Call a function and give its answer; fails on a function error."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    def stack(self, resources: dict[str, Any], outputs: dict[str, Any]) -> dict[str, str]:
        """Deploy a template of these resources; returns the outputs' values."""
        cloudformation, name = self.client("cloudformation"), _name()
        template = {"Resources": resources, "Outputs": {key: {"Value": one} for key, one in outputs.items()}}
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}


def _name() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


def zipped(files: dict[str, str]) -> bytes:
    """Return a zip archive of text files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return buffer.getvalue()


def until(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait for something to hold; AssertionError when it does not in time."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)
