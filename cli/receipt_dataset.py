"""The table over the receipts, kept up to date: one Parquet file in the receipts bucket, written whole."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from stacks.receipt_table import COLUMNS, KEY

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

RECEIPTS = "receipts/"
AT_ONCE = 10  # boto3's own pool of connections
# Athena reads INT64 timestamps in milliseconds without a zone:
# https://docs.aws.amazon.com/athena/latest/ug/data-types.html, read 2026-11-30
_ARROW = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("ms"),
    "array<string>": pa.list_(pa.string()),
    "map<string,bigint>": pa.map_(pa.string(), pa.int64()),
}
SCHEMA = pa.schema([(name, _ARROW[type_]) for name, (type_, _) in COLUMNS.items()])


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did: receipts in the table, those read for it, and the keys of those that are not JSON."""

    receipts: int
    read: int
    unreadable: tuple[str, ...] = ()


def refresh(client: S3Client, bucket: str) -> Refreshed:
    """Bring the table up to date with the receipts in the bucket, reading only those that are new or replaced.

    The file is replaced as a whole, so that a query sees either table. Of two refreshes at once the later one
    stays; what it lacks comes with the next, since each compares with the list of receipts. Raises ClientError.
    """
    listed = _listed(client, bucket)
    held = _held(client, bucket)
    keep = [
        listed.get(key) == etag
        for key, etag in zip(held["receipt_key"].to_pylist(), held["receipt_etag"].to_pylist(), strict=True)
    ]
    kept = held.filter(pa.array(keep, pa.bool_()))
    missing = sorted(listed.keys() - set(kept["receipt_key"].to_pylist()))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda key: _receipt(client, bucket, key), missing))
    rows = [row(key, etag, body) for key, (etag, body) in zip(missing, found, strict=True) if body]
    unreadable = tuple(key for key, (etag, body) in zip(missing, found, strict=True) if etag and not body)
    table = pa.concat_tables([kept, pa.Table.from_pylist(rows, SCHEMA)])
    if rows or kept.num_rows != held.num_rows or not held.num_rows:
        written = io.BytesIO()
        pq.write_table(table, written, compression="zstd")
        client.put_object(Bucket=bucket, Key=KEY, Body=written.getvalue())
    return Refreshed(table.num_rows, len(rows), unreadable)


def row(key: str, etag: str, receipt: dict[str, Any]) -> dict[str, Any]:
    """Return a receipt's row; a column that a receipt of another release does not have is null."""
    rows, audience, drop = receipt.get("rows", {}), receipt.get("audience", {}), receipt.get("drop", {})
    folder = receipt.get("folder") or {}
    export = folder.get("export") or {}
    named = {
        "audience": audience.get("name"),
        "audience_id": audience.get("id"),
        "reason": (receipt.get("reason") or {}).get("code"),
        "warnings": [one["code"] for one in receipt.get("warnings", ())],
        "drop_key": drop.get("key"),
        **{name: drop.get(name) for name in ("identifiers", "format", "size_bytes")},
        "files": folder.get("files"),
        "export": export.get("declaration") or None,
        "export_slot": export.get("slot") or None,
        "export_rows": export.get("rows"),
        "export_left_out": list(export.get("left_out", {}).items()),
        **{f"rows_{name}": rows.get(name) for name in ("in", "read", "acknowledged", "unchanged")},
        **{f"rows_{name}": rows.get(name) for name in ("rejected_by_us", "left_in", "rejected_by_platform")},
        **{name: _time(receipt.get(name)) for name in ("started_at", "written_at")},
        **{name: list(receipt.get(name, {}).items()) for name in ("rejected_by_us", "rejected_by_platform")},
        "receipt_key": key,
        "receipt_etag": etag,
    }
    return {name: named[name] if name in named else receipt.get(name) for name in COLUMNS}


def _listed(client: S3Client, bucket: str) -> dict[str, str]:
    """Return the ETags of all receipts by their keys."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=RECEIPTS)
    objects = (one for page in pages for one in page.get("Contents", ()))
    return {one["Key"]: one["ETag"] for one in objects if one["Key"].endswith(".json")}


def _held(client: S3Client, bucket: str) -> pa.Table:
    """Return the table as it is; an empty one where there is none, or one with the columns of another release."""
    try:
        body = client.get_object(Bucket=bucket, Key=KEY)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        return SCHEMA.empty_table()
    table = pq.read_table(io.BytesIO(body))
    return table if table.schema.equals(SCHEMA) else SCHEMA.empty_table()


def _receipt(client: S3Client, bucket: str, key: str) -> tuple[str, dict[str, Any] | None]:
    """Return a receipt's ETag and content: None if it is no JSON object, and no ETag if it has just gone."""
    try:
        found = client.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return "", None
    try:
        body = json.loads(found["Body"].read())
    except ValueError:
        body = None
    return found["ETag"], body if isinstance(body, dict) else None


def _time(text: str | None) -> datetime | None:
    """Return a receipt's time in UTC without its zone, which Parquet's type does not have here."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None) if text else None
