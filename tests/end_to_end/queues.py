"""A deployed connector's messages: sent, taken, held back, refused, replayed, redriven."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.end_to_end.driver import until
from tests.end_to_end.function import Function

_HEARD = "heard-"


@dataclass
class Queues(Function):
    """This part of a Line is about its queues, and the rules before them."""

    def send(self, body: str) -> None:
        """Send a message to the connector's queue."""
        self.sandbox.client("sqs").send_message(QueueUrl=self.addresses["queue_url"], MessageBody=body)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Let messages gather in the queue, with no function to take them."""
        client = self.sandbox.client("lambda")
        (mapping,) = client.list_event_source_mappings(FunctionName=self.addresses["function_name"])[
            "EventSourceMappings"
        ]
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    def take_messages(self, count: int, within_s: float = 20.0) -> list[str]:
        """Take messages out of the queue, which is held back; returns their bodies in the order of arrival."""
        return [one["Body"] for one in self._take(self.addresses["queue_url"], count, within_s)]

    def redrive(self) -> None:
        """Move the dead letters back, as `activation redrive` does."""
        client = self.sandbox.client("sqs")

        def arn(url: str) -> str:
            attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
            return str(attributes["QueueArn"])

        client.start_message_move_task(
            SourceArn=arn(self.addresses["dead_letter_queue_url"]), DestinationArn=arn(self.addresses["queue_url"])
        )

    def redrive_if_dead(self) -> bool:
        """Redrive what is in the dead letters; returns whether there was anything."""
        dead = bool(self.dead_letters())
        if dead:
            self.redrive()
        return dead

    def dead_letters(self) -> list[dict[str, Any]]:
        """Look at the dead letters without taking them: body and attributes of each."""
        answer = self.sandbox.client("sqs").receive_message(
            QueueUrl=self.addresses["dead_letter_queue_url"],
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
        )
        return [
            {
                "body": message["Body"],
                **{name: one["StringValue"] for name, one in message.get("MessageAttributes", {}).items()},
            }
            for message in answer.get("Messages", [])
        ]

    def undelivered(self, count: int) -> list[str]:
        """Take the events that EventBridge could not deliver."""
        return [one["Body"] for one in self._take(self.addresses["undelivered_queue_url"], count, 20)]

    def wait_for_notice(self, text: str, within_s: float = 60.0) -> str:
        """Wait for a notice with a text in it and give it; earlier ones are dropped."""
        url = self.sandbox.described["notices_queue_url"]

        def there() -> str | None:
            bodies = [one["Body"] for one in self._take(url, 1, within_s)]
            return next((body for body in bodies if text in body), None)

        return until(there, within_s)

    def purge(self) -> None:
        """Lose every message of the queue."""
        self.sandbox.client("sqs").purge_queue(QueueUrl=self.addresses["queue_url"])

    @contextmanager
    def visibility(self, seconds: int) -> Iterator[None]:
        """Let messages come back so soon, which AWS would not let one set below the function's timeout."""
        client, url, name = self.sandbox.client("sqs"), self.addresses["queue_url"], "VisibilityTimeout"
        before = client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]
        client.set_queue_attributes(QueueUrl=url, Attributes={name: str(seconds)})
        try:
            yield
        finally:
            client.set_queue_attributes(QueueUrl=url, Attributes={name: before})

    @contextmanager
    def refusing_events(self) -> Iterator[None]:
        """Take the queue's policy away, by which EventBridge may send to it."""
        client, url = self.sandbox.client("sqs"), self.addresses["queue_url"]
        policy = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
        client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
        try:
            yield
        finally:
            client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    def replay(self, since: datetime, name: str) -> None:
        """Replay the archived events since a moment, to this connector's rule, and wait until they are out."""
        events = self.sandbox.client("events")
        (archive,) = events.list_archives()["Archives"]
        arn = events.describe_archive(ArchiveName=archive["ArchiveName"])["ArchiveArn"]
        bus = f"{arn.rsplit(':archive/', 1)[0]}:event-bus/default"
        events.start_replay(
            ReplayName=name,
            EventSourceArn=arn,
            EventStartTime=since - timedelta(seconds=1),
            EventEndTime=datetime.now(tz=UTC) + timedelta(seconds=1),
            Destination={"Arn": bus, "FilterArns": [self._rule()["Arn"]]},
        )
        until(lambda: True if events.describe_replay(ReplayName=name)["State"] == "COMPLETED" else None, 60)

    @contextmanager
    def listening(self) -> Iterator[Callable[[], list[str]]]:
        """Let a rule of somebody else's match the same events; what is given takes what it heard."""
        events, queues, name = (
            self.sandbox.client("events"),
            self.sandbox.client("sqs"),
            f"{_HEARD}{time.time_ns()}",
        )
        url = queues.create_queue(QueueName=name)["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _open_to_events(arn)})
        events.put_rule(Name=name, EventPattern=self._rule()["EventPattern"])
        events.put_targets(Rule=name, Targets=[{"Id": "heard", "Arn": arn}])
        try:
            yield lambda: [one["Body"] for one in self._take(url, 1, 20)]
        finally:
            events.remove_targets(Rule=name, Ids=["heard"])
            events.delete_rule(Name=name)
            queues.delete_queue(QueueUrl=url)

    def queue_hides(self) -> float:
        """Return the seconds until the queue shows a message that nobody works on; 0 when there is none."""
        waits = self.sandbox.queue_waits()
        return 0.0 if waits["delivering"] else float(waits["hidden"].get(self.addresses["queue_url"], 0.0))

    def wait_until_put_off(self, within_s: float = 30.0) -> None:
        """Wait until a message was tried and is hidden for later, with nobody at work on it."""
        until(lambda: True if self.queue_hides() > 2 else None, within_s)

    def queue_shows(self) -> int:
        """Return how many messages of the queue can be taken now."""
        return self._visible(self.addresses["queue_url"])

    def _visible(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages"]
        answer = self.sandbox.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return int(answer["Attributes"][names[0]])

    def _take(self, url: str, count: int, within_s: float) -> list[dict[str, Any]]:
        client, taken = self.sandbox.client("sqs"), []

        def enough() -> bool | None:
            answer = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            for message in answer.get("Messages", []):
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken.append(message)
            return True if len(taken) >= count else None

        until(enough, within_s)
        return taken

    def _rule(self) -> dict[str, Any]:
        rules = self.sandbox.client("events").list_rules()["Rules"]
        (rule,) = [
            one
            for one in rules
            if f'{{"prefix":"{self.connector}/"}}' in one.get("EventPattern", "").replace(" ", "")
            and not one["Name"].startswith(_HEARD)
        ]
        return dict(rule)


def _open_to_events(queue_arn: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
