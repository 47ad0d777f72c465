"""Sources compared with the ledger: what came since they are watched and has no run, with versions and without."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from activation.aws.clients import Clients
from activation.aws.table import ConditionalTable
from activation.drops.sources import BucketSource
from activation.ledger.keys import folder_key, run_key, unread_key, unversioned_key
from activation.model import Drop
from activation.runs.missing import GRACE_S, Bucket
from activation.runs.missing_in_sources import LOOK_BACK_S, WatchedSource, begin_watching, find_missing_in
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from lambdas.doctor.addresses import ConnectorAddresses
from lambdas.drop_watch import handler
from lambdas.drop_watch.handler import DropWatch
from stacks.source_settings import SourceSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

SOURCE = BucketSource("partner", "vip/", "VIP", "raw")
SETTINGS = SourceSettings("partner", "bucket", "partner", "vip/", "meta", "VIP", "raw", "add", "", "")
WATCHED = WatchedSource("meta", SOURCE)
DAY_S = 86_400.0


@dataclass
class World:
    """A bucket of another owner that is a source of the connector `meta`, and the ledger."""

    s3: S3Client
    dynamodb: DynamoDBClient

    @property
    def table(self) -> ConditionalTable:
        """Return the ledger as the functions write it."""
        return ConditionalTable(self.dynamodb, "ledger")

    def put(self, key: str) -> Drop:
        """Write an object as the owner does."""
        put = self.s3.put_object(Bucket="partner", Key=key, Body=b"x")
        return Drop("partner", key, put.get("VersionId", "null"), "", 1, put["ETag"].strip('"'))

    def know(self, key: str) -> None:
        """Record something in the ledger."""
        self.dynamodb.put_item(TableName="ledger", Item={"pk": {"S": key}})

    def missing(self, *, since: float = 0.0, after_s: float = GRACE_S + 60) -> list[str]:
        """Return the keys without a run, so many seconds from now."""
        before = time.time() + after_s - GRACE_S
        found = find_missing_in(self.s3, self.dynamodb, WATCHED, "ledger", since=since, before=before)
        return [one.key for one in found if (one.connector, one.bucket) == ("meta", "partner")]

    def watch(self, *, later_s: float = 0.0) -> DropWatch:
        """Return what the function holds, so many seconds from now."""
        clients = Clients(s3=self.s3, sqs=boto3.client("sqs"), events=boto3.client("events"), table=self.table)
        bucket = Bucket("drops", ("meta",))

        def clock() -> float:
            return time.time() + later_s

        return DropWatch(bucket, clients, self.dynamodb, "ledger", "bus", 90, clock, (WATCHED,))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return a source without versions, an empty drops bucket and an empty ledger, which the command finds."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(sys, "argv", [".venv/bin/activation"])
    addresses = ConnectorAddresses("secret", "queue", "dead", "undelivered", "function", "rule")
    found = Deployment(
        "drops", "receipts", "ledger", "archive", dict.fromkeys(("meta", "tiktok"), addresses), sources=(SETTINGS,)
    )
    monkeypatch.setattr(deployment, "find", lambda: found)
    with mock_aws():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        for bucket in ("drops", "partner"):
            s3.create_bucket(Bucket=bucket)
        dynamodb.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield World(s3, dynamodb)


def counted(watch: DropWatch) -> int:
    """Return what one round of the watch counts."""
    watch.count_missing()
    handler._metrics.set_default_dimensions(service="watch")
    handler._metrics.namespace = "AudienceActivation"
    metrics: dict[str, Any] = dict(handler._metrics.serialize_metric_set())
    handler._metrics.clear_metrics()
    (count,) = metrics["DropsMissing"]
    return int(count)


def test_an_object_of_a_source_without_a_run_is_missing(world: World) -> None:
    """One that was handled is not; nor is a marker, a file of a folder, or one beside the prefix."""
    known = world.put("vip/known.csv")
    world.know(unversioned_key("meta", "partner", known.key, known.etag))
    for key in ("vip/lost.csv", "vip/_SUCCESS", "vip/2026-11-30/part-0.csv", "other/a.csv"):
        world.put(key)
    assert world.missing() == ["vip/lost.csv"]


def test_other_bytes_under_a_known_key_are_missing(world: World) -> None:
    """A file that is written again has to be handled again."""
    world.know(unversioned_key("meta", "partner", "vip/a.csv", "0" * 32))
    world.put("vip/a.csv")
    assert world.missing() == ["vip/a.csv"]


def test_with_versions_the_run_of_the_version_is_looked_up(world: World) -> None:
    """Its run, its refusal or the folder that took it along."""
    world.s3.put_bucket_versioning(Bucket="partner", VersioningConfiguration={"Status": "Enabled"})
    sent, refused, lost = (world.put(f"vip/{name}.csv") for name in ("sent", "refused", "lost"))
    world.know(run_key("meta", sent.run_id("meta")))
    world.know(unread_key("meta", refused.run_id("meta")))
    assert world.missing() == [lost.key]
    world.know(folder_key("meta", "partner", "vip/", ""))
    assert world.missing() == []


def test_what_was_there_before_is_not_missing(world: World) -> None:
    """Only new objects are announced: the watch begins when it first looks, and remembers when that was."""
    world.put("vip/old.csv")
    began = begin_watching(world.table, WATCHED, ttl_days=90, clock=lambda: time.time() + 5)
    assert world.missing(since=began) == []
    again = begin_watching(world.table, WATCHED, ttl_days=90, clock=lambda: time.time() + DAY_S)
    assert again == pytest.approx(began)
    elsewhere = WatchedSource("meta", replace(SOURCE, prefix="new/"))
    assert begin_watching(world.table, elsewhere, ttl_days=90, clock=lambda: time.time() + DAY_S) > began + 1000


def test_what_the_ledger_may_have_forgotten_is_not_missing(world: World) -> None:
    """The watch looks back for less time than any run is remembered."""
    world.put("vip/a.csv")
    assert world.missing(after_s=LOOK_BACK_S) == ["vip/a.csv"]
    assert world.missing(after_s=LOOK_BACK_S + GRACE_S + DAY_S) == []


def test_the_round_counts_the_sources_too(world: World) -> None:
    """From the second round on, with the objects of the drops bucket."""
    assert counted(world.watch(later_s=-60)) == 0
    world.put("vip/lost.csv")
    assert counted(world.watch()) == 0  # it has an hour
    assert counted(world.watch(later_s=GRACE_S + 60)) == 1


def test_a_source_that_may_not_be_listed_stops_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner of another account may not have let us: that is said in the log, and the round goes on."""
    said: list[str] = []
    monkeypatch.setattr(handler._log, "error", lambda sentence, **_: said.append(sentence))
    world.s3.delete_bucket(Bucket="partner")
    assert counted(world.watch()) == 0
    assert said == ["a source cannot be listed"]

    def throttled(*_: object, **__: object) -> Iterator[object]:
        raise ClientError({"Error": {"Code": "SlowDown"}}, "ListObjectVersions")

    monkeypatch.setattr(handler, "find_missing_in", throttled)
    with pytest.raises(ClientError):
        world.watch().count_missing()


def test_status_lists_what_is_missing_in_a_source(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its bucket, once the watch has begun; before that, and where it may not look, the command says so."""
    now = time.time() + GRACE_S + 60
    monkeypatch.setattr("cli.missing.time.time", lambda: now)
    monkeypatch.setenv("COLUMNS", "200")
    world.put("vip/lost.csv")
    early = CliRunner().invoke(app, ["status", "--missing"])
    assert (early.exit_code, "not watched yet" in early.stderr) == (0, True)
    begin_watching(world.table, WATCHED, ttl_days=90, clock=lambda: now - 2 * GRACE_S)
    found = CliRunner().invoke(app, ["status", "--missing", "--json"])
    line = json.loads(found.stdout)
    assert (found.exit_code, line["bucket"], line["key"]) == (1, "partner", "vip/lost.csv")
    assert "s3://partner/vip/lost.csv" in CliRunner().invoke(app, ["status", "--missing"]).stdout
    assert CliRunner().invoke(app, ["status", "--missing", "--connector", "tiktok"]).exit_code == 0
    world.s3.delete_object(Bucket="partner", Key="vip/lost.csv")
    world.s3.delete_bucket(Bucket="partner")
    gone = CliRunner().invoke(app, ["status", "--missing"])
    assert (gone.exit_code, "cannot be listed" in gone.stderr) == (0, True)
