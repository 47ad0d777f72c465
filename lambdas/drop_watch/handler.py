"""Watches the doors: objects under no connector's prefix, and hourly drops without a run or that never came."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
from activation.aws.app_events import put_event
from activation.aws.clients import CONFIG, Clients
from activation.aws.environment import Environment
from activation.aws.sdk import checked
from activation.drops.expectation import leads_to_run
from activation.drops.messages import read
from activation.drops.sources import Origins
from activation.errors import Rejected
from activation.ledger.arrivals import Arrivals
from activation.ledger.keys import NO_CONNECTOR
from activation.ledger.unread import UnreadObjects
from activation.report.notice import overdue_notice
from activation.runs.expected import Expected
from activation.runs.missing import GRACE_S, Bucket, find_missing
from activation.runs.missing_in_sources import WatchedSource, begin_watching, cannot_list, find_missing_in
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

IGNORED = "ignored"  # the state that `activation status` shows
OVERDUE = "Activation Overdue"
_log, _metrics = Logger(), Metrics()


@dataclass(frozen=True)
class DropWatch:
    """What the function holds: drops bucket and sources, AWS's clients, for how many days a record is kept."""

    bucket: Bucket
    clients: Clients
    dynamodb: DynamoDBClient
    ledger_table: str
    bus: str
    ttl_days: int
    clock: Callable[[], float] = field(default=time.time)
    sources: Sequence[WatchedSource] = ()
    expected: Sequence[Expected] = ()

    def note_stray(self, event: Mapping[str, Any]) -> None:
        """Record and announce an object under no connector's prefix; others have runs, or are no drops."""
        drop = read(json.dumps(event), origins=Origins(NO_CONNECTOR, self.bucket.name), account="").drop
        if self.bucket.connector_of(drop.key) or self.bucket.is_elsewhere(drop.key):
            return
        if not leads_to_run(drop.key, drop.size_bytes, under_connector=False):
            return
        why = Rejected("unknown_connector", "the key begins with no connector's name")
        records = UnreadObjects(self.clients.table, ttl_days=self.ttl_days, clock=self.clock)
        records.note(NO_CONNECTOR, drop.run_id(NO_CONNECTOR), drop.key, IGNORED, why)
        detail = {
            "key": drop.key,
            "version_id": drop.version_id,
            "reason": {"code": why.code, "sentence": why.sentence},
        }
        put_event(self.clients.events, self.bus, "Drop Ignored", detail)
        _log.warning("an object is under no connector's prefix", extra={"event_id": event.get("id")})
        _metrics.add_metric("DropsIgnored", MetricUnit.Count, 1)

    def count_missing(self) -> None:
        """Count the drops that have had time to start a run and have none, in the drops bucket and the sources."""
        before = self.clock() - GRACE_S
        found = find_missing(self.clients.s3, self.dynamodb, self.bucket, self.ledger_table, before=before)
        count = sum(1 for _ in found) + sum(self._count_in(one, before) for one in self.sources)
        _log.info("drops without a run", extra={"count": count})
        _metrics.add_metric("DropsMissing", MetricUnit.Count, count)

    def count_overdue(self) -> None:
        """Count the expected drops that have not come, and announce each once."""
        now, arrivals = self.clock(), Arrivals(self.clients.table, clock=self.clock)
        count = 0
        for one in self.expected:
            since = one.overdue_since(arrivals.last(one.connector, one.audience), now)
            if since is None:
                continue
            count += 1
            _log.warning("drop_overdue", extra={"connector": one.connector})
            # In whole seconds, which the record keeps as they are.
            if arrivals.announced(one.connector, one.audience) != int(since):
                why = Rejected("drop_overdue", one.sentence)
                detail = {
                    "connector": one.connector,
                    "audience": one.audience,
                    "reason": {"code": why.code, "sentence": why.sentence},
                    "notice": overdue_notice(one.connector, one.audience, why.code, why.sentence),
                }
                put_event(self.clients.events, self.bus, OVERDUE, detail)
                # Afterwards: to announce twice is better than not at all.
                arrivals.note_announced(one.connector, one.audience, int(since))
        if self.expected:
            _metrics.add_metric("DropsOverdue", MetricUnit.Count, count)

    def _count_in(self, watched: WatchedSource, before: float) -> int:
        """Count a source's; one that its owner does not let us list is said in the log and has none."""
        since = begin_watching(self.clients.table, watched, ttl_days=self.ttl_days, clock=self.clock)
        s3, table = self.clients.s3, self.ledger_table
        try:
            return sum(1 for _ in find_missing_in(s3, self.dynamodb, watched, table, since=since, before=before))
        except ClientError as error:
            if not cannot_list(error):
                raise
            _log.error("a source cannot be listed", extra={"bucket": watched.source.bucket})
            return 0


@cache
def _watch() -> DropWatch:
    variables = Environment(os.environ)
    table = variables.text("LEDGER_TABLE")
    bucket = Bucket(variables.text("DROPS_BUCKET"), variables.texts("CONNECTORS"), variables.texts("ELSEWHERE"))
    bus, ttl_days = variables.text("EVENT_BUS_NAME"), variables.whole("LEDGER_TTL_DAYS")
    sources, expected = _sources(variables), _expected(variables)
    variables.finish()
    dynamodb = checked(boto3.client("dynamodb", config=CONFIG))
    return DropWatch(
        bucket, Clients.connect(table), dynamodb, table, bus, ttl_days, sources=sources, expected=expected
    )


def _sources(variables: Environment) -> tuple[WatchedSource, ...]:
    try:
        return msgspec.convert(variables.parsed("SOURCES", []), tuple[WatchedSource, ...])
    except msgspec.ValidationError:
        variables.wrong("SOURCES")
        return ()


def _expected(variables: Environment) -> tuple[Expected, ...]:
    try:
        return msgspec.convert(variables.parsed("EXPECTS", []), tuple[Expected, ...])
    except msgspec.ValidationError:
        variables.wrong("EXPECTS")
        return ()


@_log.inject_lambda_context(clear_state=True)
@_metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Handle one event of EventBridge: of an object, or of the schedule. What is raised, Lambda tries again."""
    if event.get("source") == "aws.s3":
        _watch().note_stray(event)
    else:
        watch = _watch()
        try:
            watch.count_missing()
        finally:  # neither count may fail for the other's reason; if both fail, the log has both errors
            watch.count_overdue()
