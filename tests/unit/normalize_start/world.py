"""The start function over S3 and SQS in memory, a table, and a Glue that can be told to lose answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import boto3
from activation.aws.table import ConditionalTable
from activation.ledger.folders import Folders
from activation.ledger.paid_starts import PaidStart, PaidStarts
from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import ClientError

from lambdas.normalize_start.closing import Closings
from lambdas.normalize_start.exports import Exports, ExportSettings
from lambdas.normalize_start.job import GlueJob
from lambdas.normalize_start.worker import StartWorker
from tests.unit.line.table_in_memory import Table

ACCOUNT, JOB = "123456789012", "normalize"
VIP = ExportSettings("vip", "lake/vip/", "s3://assets/vip.json")
NOW = 1_780_000_000.0


class Context:
    """What a function is told of its invocation."""


@dataclass
class Glue:
    """Runs of jobs; `refuses` is a code that StartJobRun answers, `loses` an error in place of its answer."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    refuses: str = ""
    loses: Exception | None = None

    def start_job_run(self, *, JobName: str, Arguments: Mapping[str, str]) -> dict[str, Any]:
        """Start a run."""
        if self.refuses:
            answer: Any = {"Error": {"Code": self.refuses}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(answer, "StartJobRun")
        run = {"Id": f"jr_{len(self.runs) + 1}", "JobName": JobName, "Arguments": dict(Arguments)}
        at = datetime.fromtimestamp(NOW, tz=UTC)
        self.runs.insert(0, {**run, "JobRunState": "RUNNING", "StartedOn": at})
        if self.loses:
            raise self.loses
        return {"JobRunId": run["Id"]}

    def get_job_run(self, *, JobName: str, RunId: str) -> dict[str, Any]:
        """Return a run."""
        return {"JobRun": next(one for one in self.runs if one["Id"] == RunId and one["JobName"] == JobName)}

    def get_paginator(self, operation: str) -> Glue:
        """Return what lists the runs."""
        assert operation == "get_job_runs"
        return self

    def paginate(self, *, JobName: str) -> Iterator[dict[str, Any]]:
        """Yield the runs a page each, the newest first."""
        assert JobName == JOB
        yield from ({"JobRuns": [one]} for one in self.runs)

    def end(self, run_id: str, state: str, message: str = "") -> None:
        """Let a run end."""
        run = next(one for one in self.runs if one["Id"] == run_id)
        run.update({"JobRunState": state, "ErrorMessage": message})


@dataclass
class Bus:
    """The app's bus."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Take events."""
        self.events += Entries
        return {"FailedEntryCount": 0}


@dataclass
class Queues:
    """The function's queue and its dead letters, by their URLs."""

    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def send_message(
        self,
        *,
        QueueUrl: str,
        MessageBody: str,
        DelaySeconds: int = 0,
        MessageAttributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Take a message."""
        assert 0 <= DelaySeconds <= 900
        told = {name: value["StringValue"] for name, value in (MessageAttributes or {}).items()}
        self.messages.setdefault(QueueUrl, []).append({"body": MessageBody, "for_s": DelaySeconds, **told})

    def taken(self, url: str) -> list[dict[str, Any]]:
        """Return the messages of a queue, which is empty then."""
        return self.messages.pop(url, [])


class World:
    """Everything around the function."""

    def __init__(self, export: ExportSettings = VIP, retries: int = 0) -> None:
        self.s3, self.sqs = boto3.client("s3"), Queues()
        for name in ("exports", "receipts"):
            self.s3.create_bucket(Bucket=name)
        versions: Any = {"Status": "Enabled"}
        self.s3.put_bucket_versioning(Bucket="exports", VersioningConfiguration=versions)
        self.table, self.glue, self.bus, self.now = Table(), Glue(), Bus(), NOW
        self.worker = self.worker_of(export, retries)

    def worker_of(self, export: ExportSettings, retries: int = 0) -> StartWorker:
        """Return the function's worker for one export."""
        client: Any = self.table
        table, clock = ConditionalTable(client, "ledger"), self.clock
        starts = PaidStarts(table, keep_s=86_400.0, clock=clock)
        folders = Folders(table, "_", ttl_days=1, clock=clock)
        bus: Any = self.bus
        sqs: Any = self.sqs
        return StartWorker(
            Closings(self.s3, Exports("exports", (export,)), folders, starts, "receipts", clock),
            starts, GlueJob(JOB, self.glue, self.glue), sqs, bus, "queue", "dead", "bus",
            "s3://drops", retries, ACCOUNT, Logger(service="test"), Metrics(namespace="test"), clock,
        )  # fmt: skip

    def clock(self) -> float:
        """Return the time."""
        return self.now

    def put(self, key: str, body: bytes = b"email\nann@example.com\n") -> str:
        """Write an object and return the event of it."""
        version = self.s3.put_object(Bucket="exports", Key=key, Body=body)["VersionId"]
        item = {"key": key, "size": len(body), "version-id": version, "sequencer": "01"}
        detail = {"bucket": {"name": "exports"}, "object": item}
        event = {"source": "aws.s3", "detail-type": "Object Created", "account": ACCOUNT, "detail": detail}
        return json.dumps(event)

    def handle(self, *bodies: str) -> None:
        """Handle messages."""
        context: Any = Context()
        for body in bodies:
            self.worker.handle(body, context)

    def state_change(self, run_id: str, job: str = JOB) -> str:
        """Return the event of a run."""
        detail = {"jobName": job, "jobRunId": run_id, "state": "FAILED", "severity": "ERROR"}
        return json.dumps({"source": "aws.glue", "detail-type": "Glue Job State Change", "detail": detail})

    def queued(self) -> list[dict[str, Any]]:
        """Take the messages of the function's queue, whatever their delay."""
        return self.sqs.taken("queue")

    def letters(self) -> list[dict[str, Any]]:
        """Take the dead letters."""
        return self.sqs.taken("dead")

    def listed(self, run: Mapping[str, Any]) -> list[str]:
        """Return the keys that a run was given to read."""
        key = run["Arguments"]["--listing"].removeprefix("s3://receipts/")
        files = json.loads(self.s3.get_object(Bucket="receipts", Key=key)["Body"].read())["files"]
        return [one["key"] for one in files]

    def start_of(self, run: Mapping[str, Any]) -> PaidStart:
        """Return the record of what a run was started for."""
        return self.worker.starts.read(run["Arguments"]["--start"].rsplit("@", 1)[0])


def with_(export: ExportSettings = VIP, **changes: Any) -> ExportSettings:
    """Return an export with other settings."""
    return replace(export, **changes)


Make = Callable[..., World]
