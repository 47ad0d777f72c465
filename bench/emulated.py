"""What a deployed worker needs around it, in the sandbox's emulator: buckets, ledger, queues, bus, secret and drops."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import requests

from bench import cores
from bench.environments import ROOT, Environment
from sandbox.emulator.environment import ACCOUNT, REGION, client_environment
from sandbox.processes import Process, free_port, plain_environment, spawn, stop_group, wait_until

CONNECTOR = "meta"
DROPS, RECEIPTS, MIRRORS, LEDGER, BUS = "drops", "receipts", "mirrors", "ledger", "app"
READY_S = 60.0
MEMORY_MB = 1769  # of a connector's function, by default


@dataclass(frozen=True)
class EmulatedAws:
    """The emulator at `url`, with the resources of one connector for Meta whose secret is `secret`."""

    url: str
    secret: Mapping[str, Any]

    @cached_property
    def environment(self) -> dict[str, str]:
        """Return the function's environment, as its template writes it; makes the resources."""
        for name in (DROPS, RECEIPTS, MIRRORS):
            self._s3.create_bucket(Bucket=name)
            self._s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        self._client("dynamodb").create_table(
            TableName=LEDGER,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        sqs = self._client("sqs")
        self._client("events").create_event_bus(Name=BUS)
        secret = self._client("secretsmanager").create_secret(Name="meta", SecretString=json.dumps(self.secret))
        return {
            **client_environment(self.url),
            "CONNECTOR": CONNECTOR,
            "SECRET_ARN": secret["ARN"],
            "DROPS_BUCKET": DROPS,
            "RECEIPTS_BUCKET": RECEIPTS,
            "MIRRORS_BUCKET": MIRRORS,
            "LEDGER_TABLE": LEDGER,
            "QUEUE_URL": sqs.create_queue(QueueName="queue")["QueueUrl"],
            "DEAD_LETTER_QUEUE_URL": sqs.create_queue(QueueName="dead-letters")["QueueUrl"],
            "EVENT_BUS_NAME": BUS,
            "ANY_ENDPOINT": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
            "POWERTOOLS_SERVICE_NAME": CONNECTOR,
            "POWERTOOLS_METRICS_NAMESPACE": "Bench",
            "POWERTOOLS_TRACE_DISABLED": "true",
        }

    def drop(self, audience: str, body: bytes, file: str = "people.csv") -> str:
        """Put a drop; return the event that S3 and EventBridge make of it, as the queue delivers it."""
        key = f"{CONNECTOR}/{audience}/raw/{file}"
        version = self._s3.put_object(Bucket=DROPS, Key=key, Body=body)["VersionId"]
        item = {"key": key, "size": len(body), "version-id": version, "sequencer": "0055AED6DCD90281E5"}
        return json.dumps(
            {
                "source": "aws.s3",
                "detail-type": "Object Created",
                "account": ACCOUNT,
                "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "detail": {"bucket": {"name": DROPS}, "object": item},
            }
        )

    def states(self) -> dict[str, int]:
        """Return how many receipts there are of each state; raises AssertionError where the rows do not add up."""
        found: dict[str, int] = {}
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=RECEIPTS, Prefix="receipts/"):
            for one in page.get("Contents", []):
                if not one["Key"].endswith(".json"):
                    continue
                receipt = json.loads(self._s3.get_object(Bucket=RECEIPTS, Key=one["Key"])["Body"].read())
                if receipt["rows"]["acknowledged"] != receipt["rows"]["in"]:
                    raise AssertionError(f"{receipt['rows']} of a file of which every row is good")
                found[receipt["state"]] = found.get(receipt["state"], 0) + 1
        return found

    @cached_property
    def _s3(self) -> Any:
        return self._client("s3")

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]  # the stubs want each service by its name
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="test",  # noqa: S106  the emulator's
        )


@contextmanager
def aws(secret: Mapping[str, Any]) -> Iterator[EmulatedAws]:
    """Run the emulator."""
    with TemporaryDirectory(prefix="bench-aws-") as folder:
        port, log = free_port(), Path(folder, "log")
        python = Environment(sys.executable, (), ())
        arguments = ("-m", "sandbox.emulator", "--port", str(port), "--directory", folder)
        started = spawn(python.command(*arguments, cores=cores.the_other()), log, plain_environment(), ROOT)
        try:
            process = Process("emulator", started.pid, port, "sandbox.emulator")
            wait_until(lambda: _answers(process.url), process, log, READY_S)
            yield EmulatedAws(process.url, secret)
        finally:
            stop_group(started)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/_ministack/health", timeout=5).ok
    except requests.RequestException:
        return False
