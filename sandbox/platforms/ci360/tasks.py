"""Bulk custom tasks: stage a file, build the body with its links, call a connector's webhook as CI360 does."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

# CI360 waits at most a minute, set per connector: https://github.com/sassoftware/ci360-extensions,
# `ci360-custom-development-standards/SAS-CI360-Guidelines-Connector.md` (read 2026-11-22)
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Task:
    """A marketer's task, and the audience it has selected.

    The data is `data` as text, or the file at `data_path` on this machine. `metadata` is the form of the columns'
    description, `json` or `csv`, or the very content of that file. `body` overlays the webhook's body, for calls
    that CI360 does not make. `calls` is how often the webhook is called with the same body.
    """

    webhook: str
    api_key: str = field(repr=False)
    s3_filename: str
    columns: tuple[str, ...] = ("identity_id",)
    data: str = field(default="", repr=False)
    data_path: str = ""
    metadata: str = "json"
    task_code: str = "TSK_202"
    occurrence_id: str = ""
    tracking_code: str = ""
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    calls: int = 1

    @classmethod
    def of(cls, given: object) -> Task:
        """Read a task from JSON; raises ValueError saying what is wrong."""
        if not isinstance(given, Mapping):
            raise ValueError("a task is a JSON object")
        try:
            values: dict[str, Any] = dict(given)
            return cls(**{**values, "columns": tuple(values.get("columns", cls.columns))})
        except TypeError as error:
            raise ValueError(str(error)) from None

    def metadata_content(self) -> bytes:
        """Return the metadata file: CI360's newer form, its older one, or the task's literal text."""
        if self.metadata == "json":
            columns = [{"columnName": name, "dataType": "character"} for name in self.columns]
            return json.dumps(columns).encode()
        if self.metadata == "csv":
            line = io.StringIO()
            csv.writer(line, lineterminator="").writerow(self.columns)
            return line.getvalue().encode()
        return self.metadata.encode()

    def file(self) -> Path | None:
        """Return the data file on this machine; raises ValueError if it does not exist."""
        if not self.data_path:
            return None
        path = Path(self.data_path)
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
        return path


def webhook_body(task: Task, occurrence_id: str, data_link: str, metadata_link: str) -> dict[str, Any]:
    """Return the body with the keys, and in the order, of the calls to SAS's own connectors."""
    return {
        "occurrenceId": occurrence_id,
        "taskId": str(uuid.uuid4()),
        "taskVersionId": uuid.uuid4().hex,
        "outboundEventName": "S3Upload",
        "externalTenantId": "a1b2c3d4e5f60718293a4b5c",
        "tenantMoniker": "simul",
        "responseTrackingCode": task.tracking_code or str(uuid.uuid4()),
        "presignedUrls": {"metadataFile": metadata_link, "dataFile": data_link},
        "taskCode": task.task_code,
        "sendParameters": {"s3_filename": task.s3_filename},
        "taskName": "Simulated bulk task",
        **task.body,
    }


async def call(task: Task, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Call the webhook as often as the task asks; return status, answer and seconds of each call."""
    return [await asyncio.to_thread(_call, task, json.dumps(body).encode()) for _ in range(task.calls)]


def _call(task: Task, body: bytes) -> dict[str, Any]:
    began = time.monotonic()
    answer = urllib3.request(
        "POST",
        task.webhook,
        body=body,
        headers={"Content-Type": "application/json", "x-api-key": task.api_key, "User-Agent": "Apache-HttpClient"},
        timeout=TIMEOUT_S,
        retries=False,
    )
    return {
        "status": answer.status,
        "answer": _json(answer.data),
        "request_id": answer.headers.get("X-Request-ID"),
        "seconds": round(time.monotonic() - began, 3),
    }


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
