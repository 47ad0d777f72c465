"""The demo's retail export: put into a bucket, normalised into folder drops, followed to their receipts."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from activation.model import Audience, Drop
from activation.report.receipts import stem
from botocore.exceptions import ClientError

from glue_scripts.normalize.run import normalize
from sandbox.demo import retail, sales
from sandbox.demo.deployed_job import DeployedJob
from sandbox.demo.watch import Delivered, Shown, await_receipt
from sandbox.errors import SandboxError
from sandbox.place import ROOT
from sandbox.platforms.expectation import expectations

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from rich.console import Console

LAKE = "example-retail-lake"  # a bucket as a data lake has it: no drops begin in it
AUDIENCE, DATASET = "Demo big spenders", "Demo retail shops"


@dataclass(frozen=True)
class Lake:
    """An export, what should come of it, and what makes a drop of it by a mapping and returns the report."""

    client: S3Client
    described: dict[str, Any]
    made: retail.Export
    normalized: Callable[[dict[str, Any]], dict[str, Any]]

    @classmethod
    def filled(cls, described: dict[str, Any], platform: str) -> Lake:
        """Write an export into the bucket, its sign of completion last; drops are made in this process."""
        client, now = boto3.client("s3"), datetime.now(tz=UTC)
        with suppress(ClientError):  # kept from an earlier demo in the same sandbox
            client.create_bucket(Bucket=LAKE)
        made, folder = retail.write(now, platform), f"exports/{now:%Y%m%dT%H%M%SZ}/"
        for name, body in (*made.files.items(), ("_SUCCESS", b"")):
            client.put_object(Bucket=LAKE, Key=f"{folder}{name}", Body=body)

        def in_process(mapping: dict[str, Any]) -> dict[str, Any]:
            key = f"mappings/{mapping['name']}.json"
            client.put_object(Bucket=LAKE, Key=key, Body=retail.as_file(mapping))
            output = f"s3://{described['drops_bucket']}"
            return dict(normalize(f"s3://{LAKE}/{key}", f"s3://{LAKE}/{folder}", output).document)

        return cls(client, described, made, in_process)

    @classmethod
    def deployed(cls, described: dict[str, Any], platform: str, job: DeployedJob, console: Console) -> Lake:
        """Generate an export that is written into the app's own bucket for each mapping, whose export is deployed.

        The deployed job makes the drops; raises SandboxError if it fails.
        """
        client, now = boto3.client("s3"), datetime.now(tz=UTC)
        made = retail.write(now, platform)

        def by_job(mapping: dict[str, Any]) -> dict[str, Any]:
            export, before = mapping["name"], len(job.runs(mapping["name"]))
            for name, body in (*made.files.items(), ("_SUCCESS", b"")):
                job.put(f"{export}/{now:%Y%m%dT%H%M%SZ}/{name}", body)
            with console.status(f"Spark runs the deployed job for {export}"):
                run, *_ = job.ended(export, before + 1)
            if run["JobRunState"] != "SUCCEEDED":
                raise SandboxError(
                    f"the job's run for {export} {run['JobRunState'].lower()}: {run['ErrorMessage']}"
                )
            drop = f"{folders(mapping)}{run['Arguments']['--folder']}/"
            document = client.get_object(Bucket=described["drops_bucket"], Key=f"{drop}_activation/report.json")
            console.print(f"   run {run['Id']} was started by the _SUCCESS of {export}, and made {drop}")
            return dict(json.loads(document["Body"].read()))

        return cls(client, described, made, by_job)

    def receipt(self, report: dict[str, Any], audience: Audience, console: Console) -> dict[str, Any]:
        """Wait for the receipt of a normalised drop; raises SandboxError if its run does not end."""
        bucket, key = self.described["drops_bucket"], f"{report['key']}_manifest.json"
        version = self.client.head_object(Bucket=bucket, Key=key)["VersionId"]
        run_id = Drop(bucket, key, version, "", 0).run_id(audience.connector)
        return await_receipt(
            self.client,
            self.described["receipts_bucket"],
            f"{stem(audience, run_id)}.json",
            rows=report["groups"]["written"],
            what=f"rows to {audience.connector}",
            console=console,
        )


def folders(mapping: dict[str, Any]) -> str:
    """Return the prefix below which the drops of a mapping are."""
    target = mapping["target"]
    return f"{target['connector']}/{target['audience']}/{mapping['output']['identifiers']}/"


def flag(directory: Path, root: Path = ROOT) -> dict[str, str]:
    """Write the demo's mappings into a directory; return the context flag that deploys their exports.

    They are for the first connector that the demo can check and the first one of conversions, if there is one.
    """
    settings = json.loads((root / "cdk.context.json").read_text())["audience_activation"]
    of: dict[str, str] = {}
    for one in settings["connectors"]:
        of.setdefault(one["platform"], one["name"])
    platform = next(one for one in of if one in expectations())
    mappings = [retail.big_spenders(of[platform], platform, AUDIENCE)]
    if sales.PLATFORM in of:
        mappings.append(retail.purchases(of[sales.PLATFORM], sales.PLATFORM, DATASET))
    directory.mkdir(parents=True, exist_ok=True)
    exports = []
    for mapping in mappings:
        path = directory / f"{mapping['name']}.json"
        path.write_bytes(retail.as_file(mapping))
        exports.append({"name": mapping["name"], "mapping": str(path)})
    return {"normalize": json.dumps({"exports": exports})}


def spenders(lake: Lake, connector: Shown, console: Console) -> tuple[dict[str, Any], Delivered]:
    """Fill an audience with the customers who have spent enough; return the report of `normalize` and the drop."""
    audience = Audience(connector.name, AUDIENCE)
    report = lake.normalized(retail.big_spenders(connector.name, connector.platform, AUDIENCE))
    receipt = lake.receipt(report, audience, console)
    held = connector.held(AUDIENCE)
    return report, Delivered(
        connector=connector.name,
        audience=AUDIENCE,
        receipt=receipt,
        rows=lake.made.spenders - lake.made.unusable,
        held=len(held),
        missing=len(lake.made.members - held),
        unexpected=len(held - lake.made.members),
        rejects_expected=0,  # `normalize` has left out whom no platform could know
    )


def conversions(lake: Lake, connector: str, console: Console) -> tuple[dict[str, Any], sales.Sold]:
    """Send each ticket as a conversion; return the report of `normalize` and what counts at the platform."""
    before = sales.counts(lake.described)
    report = lake.normalized(retail.purchases(connector, sales.PLATFORM, DATASET))
    receipt = lake.receipt(report, Audience(connector, DATASET), console)
    counted, cents = sales.counts(lake.described, before)[receipt["audience"]["id"]]
    expected = sales.Export(cents=lake.made.cents)
    return report, sales.Sold(connector, receipt, lake.made.tickets, counted, cents, expected)
