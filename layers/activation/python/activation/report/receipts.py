"""The receipt of a run: where every row of the drop went, and the sums that must add up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from activation.drops.messages import Work
from activation.ledger.runs import FINAL, STOPPED, Run
from activation.model import Audience

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

SCHEMA = 1


def stem(audience: Audience, run_id: str) -> str:
    """Give a receipt's key without its suffix."""
    return f"receipts/{audience.connector}/{audience.name}/{run_id}"


@dataclass(frozen=True)
class Identity:
    """Whose run it is: everything about a receipt that does not change while the run goes on."""

    run_id: str
    work: Work
    audience: Audience
    kind: str
    platform: str


def compose(
    identity: Identity, run: Run, *, account: str, now: float, rejects_key: str | None, notes: Mapping[str, str]
) -> dict[str, Any]:
    """Compose a receipt.

    `rows` count people, `identifiers` the cells that were sent for them, by field. rows["in"] is None until the
    end of the file was reached; rows["read"] are those with a known end, so it is always the sum of those
    acknowledged and rejected, in the receipt of a failed run, too. `account` is the ad account that was sent to,
    drop["ad_account"] the one that the message asked for, "" where it named none.

    Times are ISO 8601 in UTC, `seconds` the time from first message to now, `active_seconds` that of the
    invocations alone.
    """
    progress, drop = run.progress, identity.work.drop
    left_out: dict[str, dict[str, Any]] = {}
    for key, codes in sorted(progress.tally.left_out.items()):
        for code, found in sorted(codes.items()):
            left_out.setdefault(key, {})[code] = {"cells": found.cells, "first_rows": list(found.first_rows)}
    opened, split = run.opened, progress.plan.split
    return {
        "schema": SCHEMA,
        "run_id": identity.run_id,
        "state": run.state.value,
        "final": run.state in FINAL or run.state in STOPPED,
        "reason": {"code": run.code, "sentence": run.sentence} if run.code else None,
        "connector": identity.audience.connector,
        "platform": identity.platform,
        "account": account,
        "audience": {
            "name": identity.audience.name,
            "id": opened.audience_id if opened else None,
            "created": opened.created if opened else None,
        },
        "action": identity.audience.action.value,
        "drop": {
            "bucket": drop.bucket,
            "key": drop.key,
            "version_id": drop.version_id,
            "size_bytes": drop.size_bytes,
            "ad_account": identity.work.ad_account,
            "identifiers": identity.kind,
            "format": progress.plan.format,
        },
        "columns": {"used": progress.plan.columns, "ignored": progress.plan.ignored_columns},
        "rows": {
            "in": progress.checkpoint.cursor.row if progress.checkpoint.read_whole else None,
            "read": progress.tally.rows_settled,
            "acknowledged": progress.tally.acknowledged,
            "rejected_by_us": sum(progress.tally.rejected_by_us.values()),
            "rejected_by_platform": sum(progress.tally.rejected_by_platform.values()),
        },
        "identifiers": dict(sorted(progress.tally.identifiers.items())),
        "rejected_by_us": dict(sorted(progress.tally.rejected_by_us.items())),
        "rejected_by_platform": dict(sorted(progress.tally.rejected_by_platform.items())),
        "rejects_key": rejects_key,
        "cells_left_out": left_out,
        "batches": progress.tally.uploads,
        "requests": progress.tally.requests,
        "resent": progress.tally.resent,
        "bytes_sent": progress.tally.bytes_sent,
        "continuations": run.continuation,
        "replay": identity.work.replay or None,
        "started_at": _iso(run.started_at),
        "written_at": _iso(now),
        "seconds": round(now - run.started_at, 3),
        "active_seconds": round(progress.tally.active_s, 3),
        "platform_notes": {**(opened.notes if opened else {}), **notes},
        "platform_references": progress.tally.references,
        **({"parts": len(split.pieces)} if split and split.pieces else {}),
        **({"started_over": progress.attempts.starts} if progress.attempts.starts else {}),
    }


def write(client: S3Client, bucket: str, key: str, receipt: Mapping[str, Any]) -> None:
    """Write a receipt, over the interim one of the same run."""
    client.put_object(
        Bucket=bucket,
        Key=key,
        Body=json.dumps(receipt, indent=2, ensure_ascii=False).encode(),
        ContentType="application/json",
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds")
