"""The deployed webhook as CI360 calls it, and what becomes of the files behind its links."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from tests.end_to_end.driver import Sandbox, until


@dataclass(frozen=True)
class Webhook:
    """CI360, its webhook and the drops bucket of a sandbox."""

    sandbox: Sandbox

    def run_task(self, s3_filename: str, **task: Any) -> Mapping[str, Any]:
        """Let the simulated CI360 run a bulk task; returns what it sent and what each call was answered."""
        given = {
            "webhook": self.sandbox.described["ci360_url"],
            "api_key": self.sandbox.described["ci360_api_key"],
            "s3_filename": s3_filename,
            **task,
        }
        run: Mapping[str, Any] = requests.post(f"{self._simulator}/tasks", json=given, timeout=120).json()
        return run

    def post(self, body: str | bytes, **headers: str) -> requests.Response:
        """Call the webhook without CI360."""
        sent = {
            "x-api-key": self.sandbox.described["ci360_api_key"],
            "Content-Type": "application/json",
            **headers,
        }
        kept = {name: value for name, value in sent.items() if value}
        return requests.post(self.sandbox.described["ci360_url"], data=body, headers=kept, timeout=60)

    @property
    def _simulator(self) -> str:
        url: str = self.sandbox.described["simulators"]["ci360"]
        return url

    def authority(self) -> str:
        """Return the certificate by which the simulator's links can be trusted."""
        return str(self.sandbox.simulator_state("ci360")["authority"])

    def landed(self, key: str, within_s: float = 60.0) -> Mapping[str, Any]:
        """Wait for an object and give its head."""
        return until(lambda: self.head(key), within_s)

    def head(self, key: str) -> Mapping[str, Any] | None:
        """Return an object's head; None when there is none."""
        s3 = self.sandbox.client("s3")
        try:
            head: Mapping[str, Any] = s3.head_object(
                Bucket=self.sandbox.described["drops_bucket"], Key=key, ChecksumMode="ENABLED"
            )
        except s3.exceptions.ClientError:
            return None
        return head

    def record(self, key: str) -> Mapping[str, Any]:
        """Return a file's record as plain values."""
        item = self.sandbox.client("dynamodb").get_item(
            TableName=self._table, Key={"pk": {"S": f"file#{key}"}}, ConsistentRead=True
        )["Item"]
        return {name: next(iter(value.values())) for name, value in item.items()}

    @property
    def _table(self) -> str:
        names: list[str] = self.sandbox.client("dynamodb").list_tables()["TableNames"]
        return next(name for name in names if "ci360-Occurrences" in name)

    def landed_record(self, key: str, within_s: float = 10.0) -> Mapping[str, Any]:
        """Wait until the record says what the object shows already; returns the record."""

        def final() -> Mapping[str, Any] | None:
            record = self.record(key)
            return record if record["state"] == "landed" else None

        return until(final, within_s)

    def failed(self, key: str, within_s: float = 60.0) -> Mapping[str, Any]:
        """Wait for a file's failure and give its record."""

        def final() -> Mapping[str, Any] | None:
            record = self.record(key)
            return record if record["state"] == "failed" else None

        return until(final, within_s)

    def dead_letters(self) -> list[Mapping[str, Any]]:
        """Take the dead letters there are."""
        sqs = self.sandbox.client("sqs")
        urls = sqs.list_queues(QueueNamePrefix="audience-activation-ci360-DeadLetters")["QueueUrls"]
        found: list[Mapping[str, Any]] = []
        while got := sqs.receive_message(
            QueueUrl=urls[0], MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
        ).get("Messages"):
            for letter in got:
                sqs.delete_message(QueueUrl=urls[0], ReceiptHandle=letter["ReceiptHandle"])
            found += got
        return found

    def uploads(self) -> list[str]:
        """List the keys of uploads in parts that are neither completed nor ended."""
        bucket = self.sandbox.described["drops_bucket"]
        uploads = self.sandbox.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return [one["Key"] for one in uploads]

    def workers(self) -> list[dict[str, Any]]:
        """List the processes of the transfer function."""
        return [one for one in self.sandbox.all_workers() if "ci360-Transfer" in one["function"]]

    def kill_worker(self) -> int:
        """Kill the process that is at work on a transfer; returns its id."""

        def at_work() -> int | None:
            return next((one["pid"] for one in self.workers() if one["in_flight"]), None)

        pid: int = until(at_work, 30)
        os.kill(pid, signal.SIGKILL)
        return pid

    def events(self) -> list[Mapping[str, Any]]:
        """Return the external events that CI360 was sent."""
        events: list[Mapping[str, Any]] = self.sandbox.simulator_state("ci360")["events"]
        return events


def body_of(response: requests.Response) -> Mapping[str, Any]:
    """Read a JSON answer."""
    answer: Mapping[str, Any] = json.loads(response.content)
    return answer
