"""An app in moto for `activation forget`, the command as it is typed, and what its receipt says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.drops.folder_manifest import ManifestReading, manifest_reading
from activation.drops.locate import locate
from activation.drops.messages import read
from activation.drops.source import BytesSource
from activation.drops.sources import Origins
from activation.ledger.audiences import KnownAudiences
from activation.ledger.keys import audience_key, run_key
from activation.model import Audience
from activation.platforms.discovery import platforms
from activation.platforms.publisher import Opened
from typer.testing import CliRunner, Result

from cli.__main__ import app
from cli.connectors import NamedConnector
from cli.dry_run import DryRun
from cli.forget_drops import ForgetDrops
from lambdas.tiktok.payload import MULTIPLE_TYPES, calculate_type

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAIL = "kim@example.com"
PHONE = "+49 1512 3456789"
TWO_KINDS = f"{MAIL}\n{PHONE}\n\n\n"
MISMATCH = ("not done", "type_mismatch")
# TikTok's audiences by the type of their first files; one of several types gets files of one kind in its own form.
TYPES = {"Emails": "EMAIL_SHA256", "Phones": "PHONE_SHA256", "Both": MULTIPLE_TYPES}
REASONS = {"Deleted": ("failed", "audience_missing"), "Small": ("failed", "audience_would_be_too_small")}


class Deployed:
    """An app in moto, whose functions are played: each manifest that is put has a run."""

    def __init__(self) -> None:
        self.s3: S3Client = boto3.client("s3")
        self.dynamodb = boto3.client("dynamodb")
        self.dynamodb.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for bucket in ("drops", "receipts"):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
        self.table = ConditionalTable(self.dynamodb, "ledger")
        self.account = ""
        self.list_state = "applied"

    def wrote(
        self, connector: str, platform: str, audience: str, account: str = "42", *, filled: bool = True
    ) -> None:
        """Let a run have written to an audience, or with `filled` false have claimed it alone."""
        lock, known = audience_key(platform, account, audience), KnownAudiences(self.table)
        known.claim(lock, Audience(connector, audience), "0" * 32)
        if filled:
            known.note(lock, Audience(connector, audience), Opened("id"), "0" * 32)

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys of the drops bucket."""
        found = self.s3.list_objects_v2(Bucket="drops", Prefix=prefix).get("Contents", [])
        return sorted(one["Key"] for one in found)

    def run_all(self, *, only: str = "") -> None:
        """Let the run of each manifest end, and that of the suppression list."""
        for key in self.keys():
            if (key.endswith("/manifest") or key.startswith("suppressions/")) and only in key:
                self._run(key)

    def _run(self, key: str) -> None:
        head = self.s3.head_object(Bucket="drops", Key=key)
        item = {"key": key, "size": 1, "version-id": head["VersionId"]}
        detail = {"bucket": {"name": "drops"}, "object": item}
        body = json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})
        connector, audience, *_ = key.split("/")
        run_id = read(body, origins=Origins(connector, "drops"), account="").run_id(connector)
        texts = {"state": "applied", "audience": audience, "object_key": key}
        texts["state"], code = REASONS.get(audience, ("applied", ""))
        account = self.account
        if connector == "suppressions":
            texts["state"], code = self.list_state, "" if self.list_state == "applied" else "too_many_at_once"
        elif not account:
            manifest = json.loads(self.s3.get_object(Bucket="drops", Key=key)["Body"].read())
            account = manifest["activation"]["account"]
        lacking = 0
        if connector != "suppressions":
            of_type, lacking = self._read(connector, key)
        if audience in TYPES and TYPES[audience] not in (of_type, MULTIPLE_TYPES):
            texts["state"], code = "failed", "type_mismatch"
        record = {name: {"S": text} for name, text in texts.items()}
        self.dynamodb.put_item(TableName="ledger", Item={"pk": {"S": run_key(connector, run_id)}, **record})
        receipt: dict[str, Any] = {
            "state": texts["state"],
            "account": account,
            "reason": {"code": code, "sentence": "why"} if code else None,
            "warnings": [],
            "rows": {"rejected_by_platform": 0, "rejected_by_us": lacking},
        }
        at = f"receipts/{connector}/{audience}/{run_id}.json"
        self.s3.put_object(Bucket="receipts", Key=at, Body=json.dumps(receipt).encode())

    def _read(self, connector: str, key: str) -> tuple[str, int]:
        """Return the type that TikTok would give the file, and how many rows the connector's platform rejects."""
        bodies = [
            self.s3.get_object(Bucket="drops", Key=one)["Body"].read()
            for one in (key, key.replace("/manifest", "/people.csv"))
        ]
        reading = manifest_reading(json.loads(bodies[0])) or ManifestReading()
        platform = platforms()[connector]
        located = locate(key, connector=connector, table=platform.table, actions=platform.limits.actions)
        named = NamedConnector(connector, platform)
        sums = DryRun.of(located, named, said=reading.columns).over(BytesSource(bodies[1]))
        assert sums.refusal is None
        return calculate_type(tuple(dict.fromkeys(sums.columns.values()))), sums.rows - sums.sent


def end_when_polled(aws: Deployed, monkeypatch: pytest.MonkeyPatch, *, only: str = "") -> None:
    """Have runs ended when the ledger is asked for them; `only` is what their keys have in them."""
    runs = ForgetDrops.all_runs

    def after_all(drops: ForgetDrops) -> Any:
        aws.run_all(only=only)
        return runs(drops)

    monkeypatch.setattr(ForgetDrops, "all_runs", after_all)


def forget(*options: str, typed: str = f"{MAIL}\n\n\n\n", code: int = 0) -> Result:
    """Type the command and answer its prompts; nothing that it prints may name the person."""
    result = CliRunner().invoke(app, ["forget", *options], input=typed)
    assert result.exit_code == code, result.output
    assert result.output.count(MAIL) <= typed.count(MAIL)  # what is typed is echoed by the runner
    return result


def told(result: Result) -> dict[str, Any]:
    """Return the receipt that was printed, after what was typed."""
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def outcomes(result: Result) -> dict[str, tuple[str, str]]:
    """Return outcome and code by audience."""
    return {
        one["audience"]: (one["outcome"], one["code"])
        for some in told(result)["platforms"].values()
        for one in some
    }
