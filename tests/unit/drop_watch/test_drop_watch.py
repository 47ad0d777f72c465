"""Objects under no connector's prefix, and drops without a run, as the watch and `activation status` find them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from activation.aws.clients import Clients
from activation.aws.table import ConditionalTable
from activation.errors import Rejected
from activation.ledger.keys import folder_key, run_key
from activation.ledger.unread import UnreadObjects
from activation.model import Drop
from activation.runs.missing import GRACE_S, Bucket, find_missing
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from lambdas.doctor.addresses import ConnectorAddresses
from lambdas.drop_watch.handler import DropWatch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

LATER = GRACE_S + 60


@dataclass
class Door:
    """The drops bucket of an app with the connectors `meta` and `tiktok`, and its ledger."""

    s3: S3Client
    dynamodb: DynamoDBClient
    bucket: Bucket

    def put(self, key: str) -> Drop:
        """Drop an object."""
        version = self.s3.put_object(Bucket="drops", Key=key, Body=b"x")["VersionId"]
        return Drop("drops", key, version, "", 1)

    def run(self, drop: Drop, connector: str) -> None:
        """Record a run for a drop."""
        key = {"pk": {"S": run_key(connector, drop.run_id(connector))}, "state": {"S": "running"}}
        self.dynamodb.put_item(TableName="ledger", Item=key)

    def missing(self, *, after_s: float = LATER) -> list[tuple[str, str]]:
        """Return connector and key of the objects without a run, so many seconds from now."""
        before = time.time() + after_s - GRACE_S
        found = find_missing(self.s3, self.dynamodb, self.bucket, "ledger", before=before)
        return [(one.connector, one.key) for one in found]

    def watch(self, events: Any = None) -> DropWatch:
        """Return what the function holds."""
        table = ConditionalTable(self.dynamodb, "ledger")
        clients = Clients(s3=self.s3, sqs=boto3.client("sqs"), events=events, table=table)
        return DropWatch(self.bucket, clients, self.dynamodb, "ledger", "bus", 90)


@dataclass
class Bus:
    """A bus that keeps what is put on it."""

    entries: list[dict[str, Any]]

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Keep the events."""
        self.entries += Entries
        return {"FailedEntryCount": 0}


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Return an empty drops bucket and ledger, which the command finds."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(sys, "argv", [".venv/bin/activation"])
    addresses = ConnectorAddresses("secret", "queue", "dead", "undelivered", "function", "rule")
    found = Deployment("drops", "receipts", "ledger", "archive", dict.fromkeys(("meta", "tiktok"), addresses))
    monkeypatch.setattr(deployment, "find", lambda: found)
    with mock_aws():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        s3.create_bucket(Bucket="drops")
        s3.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
        dynamodb.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield Door(s3, dynamodb, Bucket("drops", ("meta", "tiktok"), ("ci360/",)))


def event(drop: Drop) -> dict[str, Any]:
    """Return the event of a new object, as EventBridge sends it."""
    item = {"key": drop.key, "version-id": drop.version_id, "size": 1}
    detail = {"bucket": {"name": drop.bucket}, "object": item}
    return {"source": "aws.s3", "detail-type": "Object Created", "account": "1", "detail": detail}


def asked(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, list(arguments))


def test_a_drop_without_a_run_is_missing(door: Door) -> None:
    """A drop with a run is not; a mistyped prefix is, under no connector; a marker and a landed file are not."""
    door.run(door.put("meta/VIP/raw/a.csv"), "meta")
    lost, stray = door.put("tiktok/VIP/raw/b.csv"), door.put("mta/VIP/raw/c.csv")
    for key in ("meta/VIP/raw/_SUCCESS", "ci360/audience.csv"):
        door.put(key)
    assert sorted(door.missing()) == [("", stray.key), ("tiktok", lost.key)]


def test_files_of_a_folder_are_the_folder_s(door: Door) -> None:
    """A folder's file has no run of its own, nor has one beside a sign whose folder the ledger knows."""
    door.put("meta/VIP/raw/export/part-0.csv")
    door.put("meta/VIP/raw/beside.csv")
    assert door.missing() == [("meta", "meta/VIP/raw/beside.csv")]
    key = {"pk": {"S": folder_key("meta", "drops", "meta/VIP/raw/", "")}}
    door.dynamodb.put_item(TableName="ledger", Item=key)
    assert door.missing() == []


def test_a_folder_under_no_connector_is_told_of(door: Door) -> None:
    """No folder's run can tell of files under a mistyped prefix, so each of them is."""
    stray = door.put("mta/VIP/raw/export/part-0.csv")
    assert door.missing() == [("", stray.key)]
    bus = Bus([])
    door.watch(bus).note_stray(event(stray))
    assert [one["DetailType"] for one in bus.entries] == ["Drop Ignored"]


def test_only_the_newest_version_counts(door: Door) -> None:
    """An older version that was overwritten before its run began is not missing; a newer one without a run is."""
    door.put("meta/VIP/raw/a.csv")
    door.run(door.put("meta/VIP/raw/a.csv"), "meta")
    assert door.missing() == []
    door.put("meta/VIP/raw/a.csv")
    assert door.missing() == [("meta", "meta/VIP/raw/a.csv")]


def test_a_new_drop_has_an_hour(door: Door) -> None:
    """A drop whose event is still on its way is not missing yet."""
    door.put("meta/VIP/raw/a.csv")
    assert door.missing(after_s=GRACE_S - 60) == []


def test_many_drops_are_looked_up_in_batches(door: Door) -> None:
    """More drops than one request may look up are all compared."""
    for number in range(120):
        drop = door.put(f"meta/VIP/raw/{number}.csv")
        if number != 77:
            door.run(drop, "meta")
    assert door.missing() == [("meta", "meta/VIP/raw/77.csv")]


def test_a_stray_is_announced_and_shown(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object under no connector's prefix is an event and a line of `status`, and is not missing after that."""
    bus, drop = Bus([]), door.put("mta/VIP/raw/c.csv")
    door.watch(bus).note_stray(event(drop))
    (entry,) = bus.entries
    assert (entry["DetailType"], json.loads(entry["Detail"])["key"]) == ("Drop Ignored", drop.key)
    (line,) = map(json.loads, asked("status", "--json").stdout.splitlines())
    assert (line["state"], line["code"], line["key"]) == ("ignored", "unknown_connector", drop.key)
    assert asked("status", "--json", "--state", "failed").stdout == ""
    monkeypatch.setenv("COLUMNS", "200")
    assert drop.key in asked("status", "--state", "ignored").stdout
    assert door.missing() == []


@pytest.mark.parametrize("key", ["meta/VIP/raw/a.csv", "ci360/audience.csv", "mta/_SUCCESS", "mta/"])
def test_what_is_no_stray_is_left_alone(door: Door, key: str) -> None:
    """A connector's drop, a landed file and a tool's marker are not announced, whatever the rule lets through."""
    bus = Bus([])
    door.watch(bus).note_stray(event(door.put(key)))
    assert bus.entries == []


def test_the_count_of_missing_drops_is_a_metric(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    """The round of each hour counts the drops without a run that are older than an hour."""
    from lambdas.drop_watch import handler

    door.put("meta/VIP/raw/a.csv")
    watch = door.watch()
    late = DropWatch(**{**vars(watch), "clock": lambda: time.time() + LATER})
    for one, count in ((late, 1), (watch, 0)):
        one.count_missing()
        handler._metrics.set_default_dimensions(service="watch")
        handler._metrics.namespace = "AudienceActivation"
        metrics = dict(handler._metrics.serialize_metric_set())
        handler._metrics.clear_metrics()
        assert metrics["DropsMissing"] == [count]


def test_a_key_that_cannot_be_read_is_in_the_status(door: Door) -> None:
    """A drop refused for its key is listed as failed, with the code and its connector."""
    records = UnreadObjects(ConditionalTable(door.dynamodb, "ledger"), ttl_days=90)
    records.note("meta", "r1", "meta/people.csv", "failed", Rejected("wrong_depth", "the key has 2 parts"))
    (line,) = map(
        json.loads, asked("status", "--json", "--connector", "meta", "--state", "failed").stdout.splitlines()
    )
    assert (line["run_id"], line["code"], line["key"]) == ("r1", "wrong_depth", "meta/people.csv")
    assert asked("status", "--json", "--connector", "tiktok").stdout == ""


def test_status_lists_what_is_missing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """--missing lists the drops without a run and exits 1; with none it exits 0."""
    now = time.time() + LATER
    monkeypatch.setattr("cli.missing.time.time", lambda: now)
    assert asked("status", "--missing").exit_code == 0
    door.put("meta/VIP/raw/a.csv")
    result = asked("status", "--missing", "--json")
    assert result.exit_code == 1
    line = json.loads(result.stdout)
    assert (line["connector"], line["key"]) == ("meta", "meta/VIP/raw/a.csv")
    assert asked("status", "--missing", "--connector", "tiktok").exit_code == 0
    assert "activation replay --from" in asked("status", "--missing").stderr
