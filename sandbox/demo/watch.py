"""The demo's drops: uploaded, followed to their final receipts, compared with the expected members."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from activation.ledger.runs import FINAL, STOPPED
from activation.model import Audience, Drop
from activation.report.receipts import stem
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sandbox.demo import export
from sandbox.errors import SandboxError
from sandbox.platforms.expectation import Member, expectations
from sandbox.platforms.outside import Outside

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from rich.console import Console

WITHIN_S = 180.0
ENDED = {state.value for state in FINAL | STOPPED}


@dataclass(frozen=True)
class Shown:
    """A connector whose deliveries the demo can check: its platform, and the simulator's address."""

    name: str
    platform: str
    simulator: str

    def held(self, audience: str) -> set[Member]:
        """Return the members that the simulated platform holds in all audiences of that name."""
        read = expectations()[self.platform].held
        found = [one for one in Outside(self.simulator).state()["audiences"] if one["name"] == audience]
        return {member for one in found for member in read(one)}


@dataclass(frozen=True)
class Delivered:
    """A finished drop: its receipt, and the simulated account's members compared with the expected ones."""

    connector: str
    audience: str
    receipt: dict[str, Any]
    rows: int
    held: int
    missing: int
    unexpected: int
    rejects_expected: int


def shown(described: dict[str, Any]) -> list[Shown]:
    """Return the connectors whose platform has a simulator and an expectation, in the order of the settings."""
    simulators = described["simulators"]
    return [
        Shown(name, connector["platform"], simulators[connector["platform"]])
        for name, connector in described["connectors"].items()
        if connector["platform"] in simulators and connector["platform"] in expectations()
    ]


def deliver(
    described: dict[str, Any], connectors: Sequence[Shown], rows: int, console: Console
) -> list[Delivered]:
    """Drop the demo's export for each of the connectors; raises SandboxError if a run does not end."""
    client = boto3.client("s3")
    made = export.write(rows)
    waiting = []
    for connector in connectors:
        audience = Audience(connector.name, "Demo VIPs")
        key = f"{connector.name}/{audience.name}/raw/people.csv"
        version = client.put_object(Bucket=described["drops_bucket"], Key=key, Body=made.body)["VersionId"]
        run_id = Drop(described["drops_bucket"], key, version, "", len(made.body)).run_id(connector.name)
        waiting.append((connector, audience, f"{stem(audience, run_id)}.json"))
    delivered = []
    for connector, audience, receipt_key in waiting:
        what = f"rows to {connector.name}"
        receipt = await_receipt(
            client, described["receipts_bucket"], receipt_key, rows=rows, what=what, console=console
        )
        expected, held = made.members[connector.platform], connector.held(audience.name)
        delivered.append(
            Delivered(
                connector=connector.name,
                audience=audience.name,
                receipt=receipt,
                rows=rows,
                held=len(held),
                missing=len(expected - held),
                unexpected=len(held - expected),
                rejects_expected=made.rejects[connector.platform],
            )
        )
    return delivered


def await_receipt(
    client: S3Client, bucket: str, key: str, *, rows: int, what: str, console: Console
) -> dict[str, Any]:
    """Wait for a final receipt; show how many rows are accounted for."""
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
