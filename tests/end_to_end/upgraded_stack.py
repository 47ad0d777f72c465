"""A dataset's stack on its way from Amazon's example to ours: deployed, sent to, and counted."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

from sandbox.platforms.marketing_stream.send import send
from stacks.marketing_stream.catalogue import BY_ID, Realm
from tests.end_to_end import example_stack
from tests.end_to_end.driver import Sandbox, until

Template = Mapping[str, Any]
_EVERY_S, _AT_ONCE = 0.4, 5


@dataclass
class UpgradedStack:
    """The stack `AmzStream-NA-<dataset>`, and every record that was sent to it."""

    sandbox: Sandbox
    dataset: str
    delivery: str
    sent: list[str] = field(default_factory=list)
    read: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the stack's name."""
        return f"AmzStream-NA-{self.dataset}"

    @property
    def source(self) -> str:
        """Return the topics that may send the dataset."""
        return BY_ID[self.dataset].source(Realm.NA)

    def create(self) -> None:
        """Deploy Amazon's example stack."""
        template = example_stack.example(self.dataset, "NA", self.source, self.delivery)
        self._deploy("create_stack", template)
        if self.delivery == "firehose":
            self._subscribe()

    def update(self, template: Template) -> str:
        """Deploy ours over it; returns the stack's status, and the reason if it was refused."""
        return self._deploy("update_stack", template)

    def delete(self) -> None:
        """Delete the stack."""
        self.sandbox.client("cloudformation").delete_stack(StackName=self.name)

    def physical(self, logical_id: str) -> str:
        """Return the name, URL or ARN that AWS knows a resource by."""
        found = self.sandbox.client("cloudformation").describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def logical_ids(self) -> set[str]:
        """Return the ids of the stack's resources."""
        pages = self.sandbox.client("cloudformation").get_paginator("list_stack_resources")
        return {
            one["LogicalResourceId"]
            for page in pages.paginate(StackName=self.name)
            for one in page["StackResourceSummaries"]
        }

    def send(self, count: int) -> list[str]:
        """Send new records as Amazon does; returns their identifiers."""
        ids = [f"{self.dataset}-{len(self.sent) + number}" for number in range(count)]
        bodies = [json.dumps({"idempotency_id": one, "dataset_id": self.dataset, "clicks": 1}) for one in ids]
        self.sent += ids
        if self.delivery == "sqs":
            send(self.sandbox.client("sqs"), self._queue, bodies, threads=1)
        else:
            for first in range(0, count, 10):
                entries = [{"Id": str(n), "Message": one} for n, one in enumerate(bodies[first : first + 10])]
                self._amazon.publish_batch(TopicArn=self._topic, PublishBatchRequestEntries=entries)
        return ids

    @contextmanager
    def traffic(self) -> Iterator[None]:
        """Send records all the while, and a few after it."""
        ended = threading.Event()

        def keep_sending() -> None:
            while not ended.wait(_EVERY_S):
                self.send(_AT_ONCE)

        thread = threading.Thread(target=keep_sending)
        thread.start()
        try:
            yield
        finally:
            time.sleep(1)
            ended.set()
            thread.join()

    def settle(self, within_s: float = 180.0) -> Counter[str]:
        """Wait until all that was sent has landed, or nothing is left to land; return how often each record did.

        Messages of a function that was removed under them come back by the clock.
        """
        end, since, before = time.monotonic() + within_s, time.monotonic(), -1
        while left := self._waiting():
            assert time.monotonic() < end, f"{left} messages are left after {within_s:.0f} s"
            if left != before or self.sandbox.queue_waits()["delivering"]:
                before, since = left, time.monotonic()
            elif time.monotonic() - since > 4:
                self.sandbox.advance(200)
                since = time.monotonic()
            time.sleep(0.2)
        time.sleep(1)  # what was published last is delivered by then
        return self.count()

    def count(self) -> Counter[str]:
        """Return how often each record has landed; every line of every object is one record, and ends."""
        return Counter(json.loads(line)["idempotency_id"] for line, _ in self.lines())

    def lines(self) -> list[tuple[str, str]]:
        """Return what the table of the bucket shows: lines and their objects."""
        found = []
        for key, text in self.objects().items():
            lines = text.split("\n")
            assert self.delivery == "firehose" or lines[-1] == "", "an object's last line does not end"
            found += [(line, key) for line in lines if line]
        return found

    def objects(self) -> dict[str, str]:
        """Return the text of every landed object."""
        s3, bucket = self.sandbox.client("s3"), self.bucket
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{self.dataset}/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]

        def read(key: str) -> None:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            self.read[key] = (gzip.decompress(body) if key.endswith(".gz") else body).decode()

        with ThreadPoolExecutor(4) as pool:  # a topic's records are an object each, and an object never changes
            list(pool.map(read, [key for key in keys if key not in self.read]))
        return {key: self.read[key] for key in keys}

    @property
    def bucket(self) -> str:
        """Return the landing bucket."""
        return self.physical(example_stack.BUCKET)

    @property
    def _queue(self) -> str:
        return self.physical(example_stack.QUEUE)

    def _waiting(self) -> int:
        if self.delivery == "firehose":
            return 0
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs = self.sandbox.client("sqs")
        found = sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))

    def _deploy(self, operation: str, template: Template) -> str:
        cloudformation = self.sandbox.client("cloudformation")
        getattr(cloudformation, operation)(
            StackName=self.name,
            TemplateBody=json.dumps(template, separators=(",", ":")),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )

        def ended() -> str | None:
            (found,) = cloudformation.describe_stacks(StackName=self.name)["Stacks"]
            status = str(found["StackStatus"])
            return None if status.endswith("_IN_PROGRESS") else status

        status = until(ended, 180)
        events = cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        reasons = [one.get("ResourceStatusReason", "") for one in events]
        return status + "".join(f"\n{one}" for one in reasons if one and "ROLLBACK" in status)

    @property
    def _amazon(self) -> Any:
        """Return SNS as the account that sends the dataset."""
        return boto3.client(
            "sns",
            endpoint_url=self.sandbox.described["aws_endpoint_url"],
            region_name="us-east-1",
            aws_access_key_id=self.source.split(":")[4],
            aws_secret_access_key="test",
        )

    @property
    def _topic(self) -> str:
        return self.source[:-1] + f"FEADMessageDeliveryTopic-{self.dataset}-ATVPDKIKX0DER-ENTITY1"

    def _subscribe(self) -> None:
        """Subscribe the delivery stream to Amazon's topic with the stack's role, as Amazon does."""
        sns = self._amazon
        sns.create_topic(Name=self._topic.rsplit(":", 1)[1])
        described = self.sandbox.client("firehose").describe_delivery_stream(
            DeliveryStreamName=self.physical(example_stack.STREAM)
        )
        role = self.role(example_stack.SUBSCRIPTION_ROLE)
        assert role is not None
        sns.subscribe(
            TopicArn=self._topic,
            Protocol="firehose",
            Endpoint=described["DeliveryStreamDescription"]["DeliveryStreamARN"],
            Attributes={"RawMessageDelivery": "true", "SubscriptionRoleArn": role["Arn"]},
        )

    def role(self, logical_id: str) -> dict[str, str] | None:
        """Return name, ARN and id of a role of the stack, None if it does not exist."""
        try:
            found = self.sandbox.client("iam").get_role(RoleName=self.physical(logical_id))["Role"]
        except ClientError:
            return None
        return {name: str(found[name]) for name in ("RoleName", "Arn", "RoleId")}
