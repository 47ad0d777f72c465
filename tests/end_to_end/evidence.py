"""Everything the deployed app lets be seen of its work, searched for what it must not show of anybody."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.end_to_end.driver import Sandbox
from tests.end_to_end.held_secrets import Secrets
from tests.end_to_end.people import DOMAIN, PLANTED

_HASH = re.compile(r"\b[0-9a-fA-F]{64}\b")
_NUMBER = re.compile(r"\b[0-9]{11,15}\b")
_RULE = "evidence"
_STATE = "the state of a mirror"
_DESCRIBING = ("manifest", "_audience.json", "_SUCCESS")


@dataclass
class Evidence:
    """What was emitted: logs of functions and emulator, ledger, queues, receipts and rejects, events, metrics.

    Drops and the platforms are left out: there, and in the requests between them, people belong. Of the drops
    bucket what describes a drop is searched, and what mirrors keep of audiences, where hashes belong.
    """

    sandbox: Sandbox
    emulator_log: Path
    secrets: Secrets
    _events_url: str = ""
    _log_offset: int = 0
    _seen: dict[str, int] = field(default_factory=dict)

    @classmethod
    def gather(cls, sandbox: Sandbox, emulator_log: Path, bus: str) -> Evidence:
        """Begin to listen on the app's bus; what others keep anyway needs no beginning."""
        client, events = sandbox.client("sqs"), sandbox.client("events")
        url = client.create_queue(QueueName=_RULE)["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        pattern = json.dumps({"source": ["audience-activation"]})
        events.put_rule(Name=_RULE, EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule=_RULE, EventBusName=bus, Targets=[{"Id": "all", "Arn": arn}])
        return cls(sandbox, emulator_log, Secrets(sandbox), url)

    def events(self) -> list[dict[str, Any]]:
        """Take the events of the app's bus since the last look."""
        client, found = self.sandbox.client("sqs"), []
        while messages := client.receive_message(QueueUrl=self._events_url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                client.delete_message(QueueUrl=self._events_url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found

    def texts(self) -> Iterator[tuple[str, str]]:
        """Return everything that can be seen now, each with where; of the logs what is new since the last time."""
        yield from self._logs()
        with self.emulator_log.open("rb") as log:
            log.seek(self._log_offset)
            text = log.read()
        self._log_offset += len(text)
        yield "the emulator's log", text.decode("utf-8", "replace")
        yield from self._records()
        yield from self._messages()
        yield from self._objects()
        yield from self._descriptions()
        yield from self._state()
        yield "an event", json.dumps(self.events())
        metrics = self.sandbox.client("cloudwatch").list_metrics().get("Metrics", [])
        yield "a metric", json.dumps(metrics)

    def search(self) -> list[str]:
        """Return where something was found that must not be there; never what."""
        found = []
        self.secrets.collect()
        for place, text in self.texts():
            lower = text.lower()
            if DOMAIN in lower:
                found.append(f"an e-mail address in {place}")
            hashes = () if place == _STATE else (one.lower() for one in _HASH.findall(text))
            if not PLANTED.hashes.isdisjoint(hashes):
                found.append(f"a hash in {place}")
            if not PLANTED.phones.isdisjoint(_NUMBER.findall(text)):
                found.append(f"a phone number in {place}")
            if any(secret in text for secret in self.secrets.values):
                found.append(f"a token in {place}")
        return found

    def _logs(self) -> Iterator[tuple[str, str]]:
        client = self.sandbox.client("logs")
        for group in client.describe_log_groups()["logGroups"]:
            name = group["logGroupName"]
            pages = client.get_paginator("filter_log_events").paginate(
                logGroupName=name, startTime=self._seen.get(name, 0)
            )
            events = [event for page in pages for event in page["events"]]
            if events:
                self._seen[name] = max(event["timestamp"] for event in events)
                yield f"the log group {name}", "\n".join(event["message"] for event in events)

    def _records(self) -> Iterator[tuple[str, str]]:
        client = self.sandbox.client("dynamodb")
        for table in client.list_tables()["TableNames"]:
            for page in client.get_paginator("scan").paginate(TableName=table):
                yield f"the table {table}", json.dumps(page["Items"], default=str)

    def _messages(self) -> Iterator[tuple[str, str]]:
        client = self.sandbox.client("sqs")
        connectors = self.sandbox.described["connectors"].values()
        urls = [one[name] for one in connectors for name in ("dead_letter_queue_url", "undelivered_queue_url")]
        for url in (*urls, *(one for one in client.list_queues()["QueueUrls"] if "-sync-" in one)):
            answer = client.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
            )
            yield f"a message in {url.rpartition('/')[2]}", json.dumps(answer.get("Messages", []), default=str)

    def _objects(self) -> Iterator[tuple[str, str]]:
        for key, body in self._bodies("receipts_bucket"):
            yield f"the receipts bucket, in a {key.rsplit('.', 1)[-1]} file", _text(body)

    def _descriptions(self) -> Iterator[tuple[str, str]]:
        for key, body in self._bodies("drops_bucket", _DESCRIBING):
            yield f"the drops bucket, in a file {key.rpartition('/')[2]}", _text(body)

    def _state(self) -> Iterator[tuple[str, str]]:
        for _, body in self._bodies("mirrors_bucket"):
            yield _STATE, _text(body)

    def _bodies(self, bucket: str, endings: tuple[str, ...] = ("",)) -> Iterator[tuple[str, bytes]]:
        client, name = self.sandbox.client("s3"), self.sandbox.described[bucket]
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
            for one in page.get("Contents", []):
                if one["Key"].endswith(endings):
                    yield one["Key"], client.get_object(Bucket=name, Key=one["Key"])["Body"].read()


def _text(body: bytes) -> str:
    """Return what is in a file; a compressed one's bytes would show nobody."""
    if body.startswith(b"PAR1"):
        return str(pq.read_table(io.BytesIO(body)).to_pylist())
    return body.decode("utf-8", "replace")
