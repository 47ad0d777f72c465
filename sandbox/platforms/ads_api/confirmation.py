"""Amazon's side of a queue's confirmation: a topic in the dataset's own account, and SNS's request in the queue.

SNS asks a subscriber in another account to confirm, and the subscription is active once somebody has:
https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/onboarding/sqs/get-started
(read 2026-11-22). The emulator's SNS asks web addresses alone, so that the topic asks the simulator, which puts
the request into the queue as it came. Who confirms is not looked at: the token is.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

CALLED = "/_sns/"

# Amazon's accounts of the realm NA, the one that a sandbox has; the page above lists them.
_ACCOUNTS = {
    "sp-traffic": "906013806264",
    "sp-conversion": "802324068763",
    "budget-usage": "055588217351",
    "sd-traffic": "370941301809",
    "sd-conversion": "877712924581",
    "sb-traffic": "709476672186",
    "sb-conversion": "154357381721",
    "sb-clickstream": "091028706140",
    "sb-rich-media": "010312603579",
    "campaigns": "570159413969",
    "adgroups": "118846437111",
    "ads": "305370293182",
    "targets": "644124924521",
    "sponsored-ads-campaign-diagnostics-recommendations": "084590724871",
    "sp-budget-recommendations": "678715897637",
    "adsp-traffic": "192826442293",
    "adsp-conversion": "561176707666",
    "adsp-clickstream": "740036912861",
    "adsp-rich-media": "718926279583",
    "adsp-campaigns": "153247821255",
    "adsp-campaign-flights": "700228448367",
    "adsp-adgroups": "222778752755",
    "adsp-adgroup-targets": "419834811630",
}
_REGION = "us-east-1"


@dataclass
class Confirmations:
    """The topics of one AWS at `endpoint_url`, which call the simulator at `own_url`."""

    endpoint_url: str
    own_url: str
    queues: dict[str, str] = field(default_factory=dict)
    topics: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, given: object) -> Confirmations:
        """Read `{"endpoint_url": ..., "own_url": ...}`; raises ValueError."""
        names = ("endpoint_url", "own_url")
        if not isinstance(given, Mapping) or set(given) != set(names):
            raise ValueError(f"aws: must be an object with {' and '.join(names)}")
        return cls(str(given["endpoint_url"]).rstrip("/"), str(given["own_url"]).rstrip("/"))

    async def ask(self, id_: str, dataset: str, advertiser: str, queue_arn: str) -> None:
        """Subscribe to a new topic of the dataset, so that SNS asks for a confirmation in the queue."""
        key = secrets.token_hex(4)  # a topic of its own, whatever was forgotten by a reset
        self.queues[key] = queue_arn
        self.topics[id_] = await asyncio.to_thread(self._subscribe, key, dataset, advertiser)

    async def forward(self, path: str, body: bytes) -> None:
        """Put what SNS posted for a subscription into its queue; an unknown subscription's is dropped."""
        queue_arn = self.queues.get(path.removeprefix(CALLED))
        if queue_arn:
            await asyncio.to_thread(self._send, queue_arn, body.decode())

    async def confirmed(self, id_: str) -> bool:
        """Return whether somebody has confirmed with the token that the queue was sent."""
        topic = self.topics.get(id_)
        return bool(topic) and await asyncio.to_thread(self._is_confirmed, str(topic))

    def _subscribe(self, key: str, dataset: str, advertiser: str) -> str:
        sns = self._client("sns", _ACCOUNTS.get(dataset, "123456789012"))
        name = f"FEADMessageDeliveryTopic-{dataset}-ATVPDKIKX0DER-{advertiser}-{key}"
        topic = str(sns.create_topic(Name=name)["TopicArn"])
        # Where IAM is enforced another account needs the owner's leave.
        leave = {"Effect": "Allow", "Principal": "*", "Action": "sns:ConfirmSubscription", "Resource": topic}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [leave]})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"{self.own_url}{CALLED}{key}")
        return topic

    def _send(self, queue_arn: str, body: str) -> None:
        *_, account, name = queue_arn.split(":")
        sqs = self._client("sqs", account)
        try:
            sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=body)
        except (ClientError, BotoCoreError):
            return  # a queue that does not exist never confirms, as at Amazon

    def _is_confirmed(self, topic: str) -> bool:
        sns = self._client("sns", topic.split(":")[4])
        # Its one subscription; the emulator shows the ARN of one that nobody has confirmed, too.
        return bool(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1")

    def _client(self, service: str, account: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]  # the service is not a literal here
            service,
            endpoint_url=self.endpoint_url,
            region_name=_REGION,
            aws_access_key_id=account,
            aws_secret_access_key="test",  # noqa: S106  the emulator's
        )
