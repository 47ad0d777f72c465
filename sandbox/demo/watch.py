"""The demo's drops: put into the bucket, watched to their final receipts, held against what was expected."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import requests
from activation.ledger import FINAL, STOPPED
from activation.model import Audience, Drop
from activation.receipts import stem
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sandbox.demo import export
from sandbox.demo.people import REJECTS
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from rich.console import Console

WITHIN_S = 180.0
ENDED = {state.value for state in FINAL | STOPPED}


@dataclass(frozen=True)
class Delivered:
    """A drop that has come to its end: its receipt, and the simulated account's members against the expected."""

    platform: str
    audience: str
    receipt: dict[str, Any]
    rows: int
    held: int
    missing: int
    unexpected: int
    rejects_expected: int


def deliver(described: dict[str, Any], rows: int, console: Console) -> list[Delivered]:
    """Drop the demo's export for every connector that has one; raises SandboxError when one does not end."""
    client = boto3.client("s3")
    body, members = export.write(rows, REJECTS)
    audience = Audience("meta", "Demo VIPs")
    key = f"{audience.connector}/{audience.name}/raw/people.csv"
    version = client.put_object(Bucket=described["drops_bucket"], Key=key, Body=body)["VersionId"]
    drop = Drop(described["drops_bucket"], key, version, "", len(body))
    run_id = drop.run_id(audience.connector)
    receipt = _await(client, described["receipts_bucket"], f"{stem(audience, run_id)}.json", rows, console)
    held = _members(described["simulators"]["meta"], audience.name)
    return [
        Delivered(
            platform="meta",
            audience=audience.name,
            receipt=receipt,
            rows=rows,
            held=len(held),
            missing=len(members - held),
            unexpected=len(held - members),
            rejects_expected=REJECTS,
        )
    ]


def _await(client: S3Client, bucket: str, key: str, rows: int, console: Console) -> dict[str, Any]:
    """Wait for a final receipt, showing the rows it accounts for."""
    ends = time.monotonic() + WITHIN_S
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("rows accounted for", total=rows)
        while time.monotonic() < ends:
            try:
                receipt: dict[str, Any] = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
            except client.exceptions.NoSuchKey:
                time.sleep(0.2)
                continue
            progress.update(task, completed=receipt["rows"]["read"])
            if receipt["state"] in ENDED:
                return receipt
            time.sleep(0.2)
    raise SandboxError(f"no final receipt after {WITHIN_S:.0f} s; the function's log is in .sandbox/logs")


def _members(simulator: str, name: str) -> set[tuple[str, ...]]:
    """Read the members of an audience as the simulator got them, a cell for each of the export's keys."""
    state = requests.get(f"{simulator}/_sim/state", timeout=60).json()
    found: set[tuple[str, ...]] = set()
    for audience in state["audiences"]:
        if audience["name"] == name:
            keys = [one["schema"] for one in audience["schemas"] for _ in range(one["count"])]
            found |= {export.in_order(*member) for member in zip(keys, audience["members"], strict=True)}
    return found
