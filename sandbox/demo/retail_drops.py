"""The demo's retail export: put into a bucket, normalised into folder drops, followed to their receipts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from activation.model import Audience, Drop
from activation.report.receipts import stem
from botocore.exceptions import ClientError

from glue_scripts.normalize.run import normalize
from sandbox.demo import retail, sales
from sandbox.demo.watch import Delivered, Shown, await_receipt

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from rich.console import Console

LAKE = "example-retail-lake"  # a bucket as a data lake has it: no drops begin in it
AUDIENCE, DATASET = "Demo big spenders", "Demo retail shops"


@dataclass(frozen=True)
class Lake:
    """An export in its bucket, and what should come of it."""

    client: S3Client
    described: dict[str, Any]
    made: retail.Export
    folder: str

    @classmethod
    def filled(cls, described: dict[str, Any], platform: str) -> Lake:
        """Write an export into the bucket, its sign of completion last."""
        client, now = boto3.client("s3"), datetime.now(tz=UTC)
        with suppress(ClientError):  # kept from an earlier demo in the same sandbox
            client.create_bucket(Bucket=LAKE)
        lake = cls(client, described, retail.write(now, platform), f"exports/{now:%Y%m%dT%H%M%SZ}/")
        for name, body in (*lake.made.files.items(), ("_SUCCESS", b"")):
            client.put_object(Bucket=LAKE, Key=f"{lake.folder}{name}", Body=body)
        return lake

    def normalized(self, mapping: dict[str, Any]) -> dict[str, Any]:
        """Make a drop of the export as the Glue job does, in this process; return the report."""
        key = f"mappings/{mapping['name']}.json"
        self.client.put_object(Bucket=LAKE, Key=key, Body=retail.as_file(mapping))
        output = f"s3://{self.described['drops_bucket']}"
        return dict(normalize(f"s3://{LAKE}/{key}", f"s3://{LAKE}/{self.folder}", output).document)

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
