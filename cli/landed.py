"""`activation stream landed`: totals of landed files, with each record counted once."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.deployment import fail

_GZIP = b"\x1f\x8b"


def landed(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, or s3://bucket/prefix.")],
    by: Annotated[str, typer.Option(help="Comma-separated fields to group the totals by.")] = "time_window_start",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count each record in the landed files once, and add up the measures."""
    found, copies, unreadable = Counter[str](), Counter[str](), 0
    sums: dict[tuple[str, ...], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    seen: set[str] = set()
    fields = [one for one in by.split(",") if one]
    for body in _bodies(paths):
        for record in _records(body):
            if record is None:
                unreadable += 1
                continue
            dataset = str(record.get("dataset_id"))
            found[dataset] += 1
            same = str(record.get("idempotency_id") or json.dumps(record, sort_keys=True, default=str))
            if same in seen:
                copies[dataset] += 1
                continue
            seen.add(same)
            total = sums[dataset, *(str(record.get(field)) for field in fields)]
            for name, value in record.items():
                if isinstance(value, int | Decimal) and not isinstance(value, bool) and name != "version":
                    total[name] += value
    if as_json:
        totals = [
            {
                "dataset_id": key[0],
                **dict(zip(fields, key[1:], strict=True)),
                **{n: str(v) for n, v in one.items()},
            }
            for key, one in sorted(sums.items())
        ]
        print(json.dumps({"records": found, "copies": copies, "unreadable": unreadable, "totals": totals}))
        return
    for dataset, count in sorted(found.items()):
        print(f"{dataset}: {count} records, {copies[dataset]} of them copies")
    if unreadable:
        print(f"unreadable: {unreadable}")
    for key, one in sorted(sums.items()):
        print("  ".join(key), " ".join(f"{name}={value}" for name, value in one.items()), sep="  ")


def _bodies(paths: list[str]) -> Iterator[str]:
    for path in paths:
        for raw in _in_bucket(path) if path.startswith("s3://") else _in_folder(Path(path)):
            yield (gzip.decompress(raw) if raw.startswith(_GZIP) else raw).decode("utf-8", "replace")


def _in_folder(path: Path) -> Iterator[bytes]:
    if not path.exists():
        fail(f"{path} is not there")
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            yield file.read_bytes()


def _in_bucket(address: str) -> Iterator[bytes]:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
    except (BotoCoreError, ClientError) as error:
        fail(f"{address} cannot be read ({type(error).__name__})")


def _records(text: str) -> Iterator[dict[str, Any] | None]:
    """Yield the records of a file, None for anything that is not a record; line ends between records are optional.

    Amazon's own deliveries concatenate records without line ends unless the delivery stream adds them.
    """
    decoder = json.JSONDecoder(parse_float=Decimal)
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position >= len(text):
            return
        try:
            record, position = decoder.raw_decode(text, position)
        except ValueError:
            record, position = None, (text.find("\n", position) + 1) or len(text)
        yield record if isinstance(record, dict) else None
