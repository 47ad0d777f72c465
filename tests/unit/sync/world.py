"""What the tests of the sync drive: AWS in one process, a clock that they set, and a source that they script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from activation.aws.table import ConditionalTable
from activation.ledger.runs import Ledger, Run
from moto import mock_aws

from lambdas.sync.declaration import Declaration, Schedule, SourceKind, Target
from lambdas.sync.extraction import LEASE_S, Extractor
from lambdas.sync.slots import SYNC, Slots
from lambdas.sync.source import Consent, Destination, Extract, Part, Selection, Source

SLOT, NEXT_SLOT = "2026-12-01T10:00:00Z", "2026-12-03T10:00:00Z"
INVOCATION_S = 900.0
VIP = Declaration(
    "vip",
    "cdp",
    Selection((("mail", "email"),), sql="select mail, ok from people", consent=Consent("ok", ("true",))),
    (Target("meta", "VIP people"), Target("tiktok", "VIP")),
    Schedule(date(2026, 12, 1), time(10), ZoneInfo("UTC"), 48),
    options={"guard": {"leave": "20%"}},
)


@dataclass
class Scripted:
    """A source that holds `people`, and does what the test says before and after it writes them."""

    people: tuple[str, ...] = ("a@example.com", "b@example.com")
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    tokens: list[str] = field(default_factory=list)
    extractions: int = 0

    def extract(self, selection: Selection, into: Destination, deadline: float, token: str) -> Extract:
        """Write the people into one part."""
        self.tokens.append(token)
        self.before()
        key = f"{into.prefix}part-00000.parquet"
        with into.create(key) as file:
            columns = {"mail": list(self.people), "ok": ["true" for _ in self.people]}
            pq.write_table(pa.table(columns, schema=pa.schema([("mail", pa.string()), ("ok", pa.string())])), file)
            size = file.tell()
        self.after()
        self.extractions += 1
        return Extract((Part(key, size, len(self.people)),), len(self.people) + 1, {"no_consent": 1})


@dataclass(frozen=True)
class Undelayed:
    """A client of SQS whose messages all come at once; `delays_s` are what they were to be delayed by."""

    client: Any
    delays_s: list[int] = field(default_factory=list)

    def send_message(self, *, DelaySeconds: int = 0, **arguments: Any) -> Any:
        """Send a message without its delay."""
        self.delays_s.append(DelaySeconds)
        return self.client.send_message(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


@dataclass
class World:
    """The app; `now` is its clock, in Unix seconds."""

    s3: Any
    sqs: Any
    dynamodb: Any
    queue_url: str
    dead_url: str
    source: Scripted = field(default_factory=Scripted)
    kind: SourceKind = SourceKind.POSTGRES
    declarations: dict[str, Declaration] = field(default_factory=lambda: {"vip": VIP})
    notes: list[tuple[str, str, str, str]] = field(default_factory=list)
    now: float = datetime(2026, 12, 1, 10, tzinfo=UTC).timestamp()

    @property
    def table(self) -> ConditionalTable:
        """Return the ledger's table."""
        return ConditionalTable(self.dynamodb, "ledger")

    @property
    def slots(self) -> Slots:
        """Return the declarations' records."""
        return Slots(self.table, ttl_days=400, clock=lambda: self.now)

    @property
    def ledger(self) -> Ledger:
        """Return the slots' records."""
        return Ledger(self.table, SYNC, lease_s=LEASE_S, ttl_days=400, clock=lambda: self.now)

    def extractor(self) -> Extractor:
        """Return a worker, as each invocation may be another one."""
        return Extractor(
            self.s3,
            self.sqs,
            self.queue_url,
            self.dead_url,
            "drops",
            self.ledger,
            self.slots,
            self._find,
            lambda _declaration: (self._source(), self.kind),
            self._note,
            lambda: self.now,
        )

    def _source(self) -> Source:
        return self.source

    def _find(self, name: str) -> Declaration | None:
        return self.declarations.get(name)

    def _note(self, declaration: Declaration, slot: str, run: Run) -> None:
        self.notes.append((declaration.name, slot, run.state, run.code))

    def objects(self) -> list[str]:
        """Return the objects of the drops bucket."""
        return sorted(one["Key"] for one in self.s3.list_objects_v2(Bucket="drops").get("Contents", []))

    def manifests(self) -> dict[str, Any]:
        """Return the manifests of the drops bucket by their keys."""
        found = [key for key in self.objects() if key.endswith("manifest")]
        return {key: json.loads(self.s3.get_object(Bucket="drops", Key=key)["Body"].read()) for key in found}

    def messages(self, url: str = "") -> list[dict[str, Any]]:
        """Take the messages of a queue, those that are delayed as well."""
        found: list[dict[str, Any]] = self.sqs.receive_message(
            QueueUrl=url or self.queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])
        for one in found:
            self.sqs.delete_message(QueueUrl=url or self.queue_url, ReceiptHandle=one["ReceiptHandle"])
        return found

    def change(self, **changes: Any) -> None:
        """Change the declaration."""
        self.declarations["vip"] = replace(self.declarations["vip"], **changes)


@contextmanager
def made() -> Iterator[World]:
    """Make the app's buckets, table and queues, and remove them afterwards."""
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket in ("drops", "mirrors", "receipts"):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        sqs = boto3.client("sqs", region_name="us-east-1")
        queue_url, dead_url = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("sync", "dead"))
        yield World(s3, Undelayed(sqs), dynamodb, queue_url, dead_url)
