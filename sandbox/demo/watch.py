"""The demo's drops: put into the bucket, watched to their final receipts, held against what was expected."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import requests
from activation.ledger import FINAL, STOPPED
from activation.model import Audience, Drop
from activation.receipts import stem
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sandbox.demo import export
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
    """Drop the demo's export for every connector; raises SandboxError when one of the runs does not end."""
    client = boto3.client("s3")
    made = export.write(rows)
    waiting = []
    for name, connector in described["connectors"].items():
        platform = connector["platform"]
        if platform in made.members:
            audience = Audience(name, "Demo VIPs")
            key = f"{name}/{audience.name}/raw/people.csv"
            version = client.put_object(Bucket=described["drops_bucket"], Key=key, Body=made.body)["VersionId"]
            run_id = Drop(described["drops_bucket"], key, version, "", len(made.body)).run_id(name)
            waiting.append((platform, audience, f"{stem(audience, run_id)}.json"))
    delivered = []
    for platform, audience, receipt_key in waiting:
        what = f"rows to {platform}"
        receipt = await_receipt(
            client, described["receipts_bucket"], receipt_key, rows=rows, what=what, console=console
        )
        expected = made.members[platform]
        held = members_held(described["simulators"][platform], audience.name, export.EXPECTATIONS[platform].keys)
        delivered.append(
            Delivered(
                platform=platform,
                audience=audience.name,
                receipt=receipt,
                rows=rows,
                held=len(held),
                missing=len(expected - held),
                unexpected=len(held - expected),
                rejects_expected=made.rejects[platform],
            )
        )
    return delivered


def await_receipt(
    client: S3Client, bucket: str, key: str, *, rows: int, what: str, console: Console
) -> dict[str, Any]:
    """Wait for a final receipt, showing the rows it accounts for."""
    ends = time.monotonic() + WITHIN_S
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=rows)
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


def members_held(simulator: str, name: str, keys: Sequence[str]) -> set[export.Member]:
    """Read the members of an audience as the simulator got them, their cells in the order of `keys`.

    Where a platform has schemas, the rows of one come after those of another.
    """
    state = requests.get(f"{simulator}/_sim/state", timeout=60).json()
    found: set[export.Member] = set()
    for audience in state["audiences"]:
        if audience["name"] == name:
            whole = [{"schema": keys, "count": len(audience["members"])}]
            schemas = [one["schema"] for one in audience.get("schemas", whole) for _ in range(one["count"])]
            for schema, member in zip(schemas, audience["members"], strict=True):
                cells = dict(zip(schema, member, strict=True))
                found.add(tuple(cells.get(key, "") for key in keys))
    return found
