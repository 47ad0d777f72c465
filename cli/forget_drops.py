"""The drops of a forget: a folder for each audience, and one for the suppression list; and what became of them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from activation.drops.folder_manifest import ManifestReading, manifest_text
from activation.drops.forgetting import forget_folder
from activation.drops.locate import locate
from activation.drops.source import BytesSource
from activation.ledger.keys import RUN
from activation.ledger.runs import FINAL, STOPPED
from activation.model import Action, Audience
from activation.report.receipts import stem

from cli.connectors import NamedConnector
from cli.dry_run import DryRun
from cli.upload import MANIFEST
from stacks.names import FORGETS

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from cli.forget_people import People

FILE = "people.csv"
SUPPRESSION = "suppressions/forgotten/raw/"
POLL_S = 2.0
ENDED = frozenset(str(one) for one in (*FINAL, *STOPPED))
Place = tuple[str, str]  # a connector's name and an audience's


@dataclass(frozen=True)
class ForgetRun:
    """A run that removes people from an audience: its id, its state, and the key of the drop that began it."""

    connector: str
    audience: str
    run_id: str
    state: str
    key: str

    @property
    def has_ended(self) -> bool:
        """Return whether the run goes on no more by itself."""
        return self.state in ENDED


@dataclass(frozen=True)
class ForgetDrops:
    """The drops of the forget `forget_id` in the deployment `found`."""

    found: Deployment
    forget_id: str

    def put(self, connector: NamedConnector, audience: str, people: People, column: str = "") -> None:
        """Upload a folder with its manifest, which begins the run; `column` is the one that it holds alone."""
        base = self._base(connector.name, audience, column)
        s3, bucket = boto3.client("s3"), self.found.drops_bucket
        s3.put_object(Bucket=bucket, Key=base + FILE, Body=people.content)
        sizes = [(base + FILE, len(people.content))]
        manifest = manifest_text(bucket, sizes, ManifestReading(_said(connector, people)))
        s3.put_object(Bucket=bucket, Key=base + MANIFEST, Body=manifest.encode())

    def suppress(self, people: People) -> None:
        """Upload the people for the suppression list, so that no later drop adds them again."""
        key = f"{SUPPRESSION}{forget_folder(self.forget_id)}.csv"
        boto3.client("s3").put_object(Bucket=self.found.drops_bucket, Key=key, Body=people.content)

    def unusable(self, connector: NamedConnector, audience: str, people: People) -> str:
        """Return why nobody could be removed by what is given, as a code; "" where somebody can."""
        key = self._base(connector.name, audience) + MANIFEST
        platform = connector.platform
        located = locate(key, connector=connector.name, table=platform.table, actions=platform.limits.actions)
        sums = DryRun.of(located, connector, said=_said(connector, people)).over(BytesSource(people.content))
        return sums.refusal.code if sums.refusal else "" if sums.sent else "no_rows"

    def runs(self) -> list[ForgetRun]:
        """Return the runs of this forget that the ledger knows."""
        client, folder = boto3.client("dynamodb"), f"/{forget_folder(self.forget_id)}"
        pages = client.get_paginator("scan").paginate(
            TableName=self.found.ledger_table,
            FilterExpression="contains(pk, :run) AND contains(object_key, :folder)",
            ExpressionAttributeValues={":run": {"S": RUN}, ":folder": {"S": folder}},
        )
        return [_run(item) for page in pages for item in page["Items"]]

    def follow(self, places: Sequence[Place], within_s: float, *, at_least: int = 0) -> list[ForgetRun]:
        """Return the runs once there is one for each of the places and all have ended, or the time is up.

        They are `at_least` so many.
        """
        until = time.monotonic() + within_s
        while True:
            runs = self.runs()
            begun = {(one.connector, one.audience) for one in runs}
            is_whole = set(places) <= begun and len(runs) >= at_least
            if (is_whole and all(one.has_ended for one in runs)) or time.monotonic() >= until:
                return runs
            time.sleep(POLL_S)

    def receipt(self, run: ForgetRun) -> dict[str, Any] | None:
        """Return the receipt of a run, None while there is none."""
        s3 = boto3.client("s3")
        key = f"{stem(Audience(run.connector, run.audience), run.run_id)}.json"
        with contextlib.suppress(s3.exceptions.NoSuchKey):
            body = s3.get_object(Bucket=self.found.receipts_bucket, Key=key)["Body"].read()
            document: dict[str, Any] = json.loads(body)
            return document
        return None

    def keep(self, told: Mapping[str, Any]) -> str:
        """Store the receipt of the forget, in place of an earlier one; return where it is."""
        key, bucket = f"{FORGETS}{self.forget_id}.json", self.found.receipts_bucket
        body = json.dumps(told, ensure_ascii=False, indent=2).encode()
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
        return f"s3://{bucket}/{key}"

    def _base(self, connector: str, audience: str, column: str = "") -> str:
        return f"{connector}/{audience}/raw/{Action.REMOVE}/{forget_folder(self.forget_id, column)}/"


def _said(connector: NamedConnector, people: People) -> tuple[tuple[str, str], ...]:
    """Return what the drop's columns are, whatever the connector's settings say of columns of these names."""
    return tuple((one, one) for one in people.columns if connector.platform.table.named(one))


def _run(item: Mapping[str, Any]) -> ForgetRun:
    connector, _, run_id = item["pk"]["S"].partition(RUN)
    texts = {name: item.get(name, {}).get("S", "") for name in ("audience", "state", "object_key")}
    return ForgetRun(connector, texts["audience"], run_id, texts["state"], texts["object_key"])


def with_mismatch(runs: Sequence[tuple[ForgetRun, Mapping[str, Any] | None]]) -> Iterator[Place]:
    """Yield where an audience accepts one kind of identifier alone, and not several in one drop."""
    for run, receipt in runs:
        if receipt and (receipt["reason"] or {}).get("code") == "type_mismatch":
            yield run.connector, run.audience
