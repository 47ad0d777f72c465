"""A stack of the stream in memory: both functions, the queues between them, and what came out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.marketing_stream.batch import received
from lambdas.marketing_stream.configuration import ConfirmConfiguration, FanOutConfiguration
from lambdas.marketing_stream.confirm import confirm_all
from lambdas.marketing_stream.fan_out import fan_out
from lambdas.marketing_stream.outlets import Outlets
from lambdas.marketing_stream.topics import DatasetTopics
from stacks.marketing_stream.catalogue import BY_ID, DATASETS, Realm
from tests.unit.marketing_stream.fakes import FakeFirehose, FakeSns, FakeSqs

INGRESS, CONFIRMATIONS, DEAD, CONFIRMATIONS_DEAD = "ingress", "confirmations", "dead", "confirmations-dead"


@dataclass
class World:
    """A deployed stack of `dataset` in `realm`."""

    dataset: str = "sp-traffic"
    realm: Realm = Realm.NA
    firehose: FakeFirehose = field(default_factory=FakeFirehose)
    sns: FakeSns = field(default_factory=FakeSns)
    sqs: FakeSqs = field(default_factory=FakeSqs)
    time_is_up: bool = False
    lands_by_topic: bool = False

    @property
    def source(self) -> DatasetTopics:
        """Return the topics this stack listens to."""
        pattern = BY_ID[self.dataset].source(self.realm) or f"arn:aws:sns:{self.realm.region}:123456789012:*"
        return DatasetTopics(pattern, self.dataset)

    @property
    def outlets(self) -> Outlets:
        """Return the services as the functions see them."""
        return Outlets(self.firehose, self.sns, self.sqs, lambda: self.time_is_up)

    def receive(self, lambda_event: Mapping[str, Any]) -> list[str]:
        """Run the fan-out over an event, then the confirmation function over what it handed on.

        Gives the messages the fan-out wants again.
        """
        configuration = FanOutConfiguration(
            source=self.source,
            known=frozenset(one.id for one in DATASETS),
            delivery_stream="stream",
            line_end=b"\n",
            lands_by_topic=self.lands_by_topic,
            data_topic_arn="topic",
            queue_url=INGRESS,
            confirmation_queue_url=CONFIRMATIONS,
            dead_letter_queue_url=DEAD,
        )
        answer = fan_out(received(lambda_event), configuration, self.outlets)
        handed_on = self.sqs.queues.pop(CONFIRMATIONS, [])
        if handed_on:
            self.confirm(one["MessageBody"] for one in handed_on)
        return _ids(answer)

    def confirm(self, bodies: Iterable[str]) -> list[str]:
        """Run the confirmation function; returns the messages it wants again."""
        configuration = ConfirmConfiguration(self.source, CONFIRMATIONS, CONFIRMATIONS_DEAD)
        return _ids(confirm_all(received(event(*bodies)), configuration, self.outlets))

    @property
    def published(self) -> list[str]:
        """Return the records that the topic's subscribers got, each of which must end its line."""
        assert all(one.endswith("\n") for one in self.sns.published)
        return [one.removesuffix("\n") for one in self.sns.published]

    @property
    def lines(self) -> list[str]:
        """Return the landed records, each of which must be one line of JSON."""
        text = b"".join(self.firehose.landed).decode()
        lines = text.split("\n")
        assert lines.pop() == ""
        assert all(isinstance(json.loads(line), dict) for line in lines)
        return lines


def event(*bodies: object, receives: int = 1) -> dict[str, Any]:
    """Make Lambda's event of a batch of messages."""
    return {
        "Records": [
            {
                "messageId": str(uuid.uuid4()),
                "receiptHandle": f"receipt-{number}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(receives)},
                "eventSource": "aws:sqs",
            }
            for number, body in enumerate(bodies)
        ]
    }


def record(**changes: object) -> str:
    """Make a record of sp-traffic as Amazon sends one."""
    document = {
        "idempotency_id": str(uuid.uuid4()),
        "dataset_id": "sp-traffic",
        "marketplace_id": "ATVPDKIKX0DER",
        "currency": "USD",
        "advertiser_id": "ENTITY1",
        "campaign_id": "1",
        "time_window_start": "2026-11-21T10:00:00-08:00",
        "clicks": 1,
        "impressions": 20,
        "cost": 0.3,
    }
    return json.dumps({**document, **changes}, separators=(",", ":"))


def confirmation(topic: str, token: str | None = "secret-token", **changes: object) -> str:  # noqa: S107  made up
    """Make the message by which SNS asks to confirm a subscription."""
    document = {
        "Type": "SubscriptionConfirmation",
        "MessageId": str(uuid.uuid4()),
        "Token": token,
        "TopicArn": topic,
        "SubscribeURL": f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token={token}",
        **changes,
    }
    return json.dumps({key: value for key, value in document.items() if value is not None})


def topic_of(dataset: str, realm: Realm = Realm.NA, name: str = "") -> str:
    """Return Amazon's topic of a dataset for one advertiser."""
    pattern = BY_ID[dataset].source(realm)
    return pattern[:-1] + (name or f"FEADMessageDeliveryTopic-{dataset}-ATVPDKIKX0DER-ENTITY1")


def _ids(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]
