"""`activation status --missing`: the drops that have no run."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from activation.runs.missing import Missing
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

    from cli.deployment import Deployment


def print_missing(found: Deployment, connector: str, *, as_json: bool) -> int:
    """Print the objects that `missing_drops` returns; return how many there are."""
    missing = missing_drops(found, connector)
    if as_json:
        for one in missing:
            print(json.dumps({**vars(one), "modified_at": _time(one)}, ensure_ascii=False))
    elif missing:
        _print_table(missing, found.drops_bucket)
    return len(missing)


def missing_drops(found: Deployment, connector: str = "") -> list[Missing]:
    """Return the objects of drops bucket and sources that are older than an hour and have no run.

    `connector` is "" for all connectors and for what is under none.
    Says on stderr which sources cannot be compared.
    """
    import boto3
    from activation.runs.missing import GRACE_S, Bucket, find_missing

    bucket = Bucket(found.drops_bucket, tuple(found.connectors), found.other_prefixes)
    before = time.time() - GRACE_S
    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
    listed = find_missing(s3, dynamodb, bucket, found.ledger_table, before=before)
    missing = [one for one in listed if connector in ("", one.connector)]
    return [*missing, *_in_sources(found, connector, s3, dynamodb, before)]


def _in_sources(
    found: Deployment, connector: str, s3: S3Client, dynamodb: DynamoDBClient, before: float
) -> Iterator[Missing]:
    """Yield what is missing in the sources of the settings; one that cannot be compared is said on stderr."""
    from activation.drops.sources import BucketSource
    from activation.runs.missing_in_sources import WatchedSource, cannot_list, find_missing_in, watched_since
    from botocore.exceptions import ClientError

    wanted = [one for one in found.sources if connector in ("", one.connector)]
    watched = {one.name: WatchedSource(one.connector, BucketSource(**one.variable)) for one in wanted}
    since = watched_since(dynamodb, found.ledger_table, list(watched.values()))
    for name, one in watched.items():
        if one.key not in since:
            typer.echo(f"source {name} is not watched yet; that begins within an hour of its deployment", err=True)
            continue
        try:
            table = found.ledger_table
            yield from find_missing_in(s3, dynamodb, one, table, since=since[one.key], before=before)
        except ClientError as error:
            if not cannot_list(error):
                raise
            typer.echo(f"source {name} cannot be listed with these AWS credentials", err=True)


def _print_table(missing: list[Missing], drops_bucket: str) -> None:
    from rich.table import Column, Table

    from cli.printable import console, printable
    from cli.typed import typed

    table = Table("connector", Column("key", overflow="fold"), Column("dropped (UTC)", no_wrap=True))
    for one in missing:
        place = one.key if one.bucket == drops_bucket else f"s3://{one.bucket}/{one.key}"
        table.add_row(one.connector or "none", printable(place), _time(one)[:16])
    console().print(table)
    oldest = min(one.modified_at for one in missing)
    since = datetime.fromtimestamp(oldest, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    typer.echo(f"send those of a connector: {typed('replay', '--from', since, '--to', _now())}", err=True)
    if any(not one.connector for one in missing):
        typer.echo("an object under no connector's prefix has to be dropped again, under another key", err=True)


def _time(one: Missing) -> str:
    return datetime.fromtimestamp(one.modified_at, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def _now() -> str:
    return datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
