"""`activation status --missing`: the drops that have no run."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from activation.runs.missing import Missing

    from cli.deployment import Deployment


def print_missing(found: Deployment, connector: str, *, as_json: bool) -> int:
    """Print the objects of the drops bucket that are older than an hour and have no run; return how many.

    `connector` is "" for all connectors and for what is under none.
    """
    import boto3
    from activation.runs.missing import GRACE_S, Bucket, find_missing

    bucket = Bucket(found.drops_bucket, tuple(found.connectors), found.other_prefixes)
    before = time.time() - GRACE_S
    listed = find_missing(boto3.client("s3"), boto3.client("dynamodb"), bucket, found.ledger_table, before=before)
    missing = [one for one in listed if connector in ("", one.connector)]
    if as_json:
        for one in missing:
            print(json.dumps({**vars(one), "modified_at": _time(one)}, ensure_ascii=False))
    elif missing:
        _print_table(missing)
    return len(missing)


def _print_table(missing: list[Missing]) -> None:
    from rich.table import Column, Table

    from cli.printable import console, printable
    from cli.typed import typed

    table = Table("connector", Column("key", overflow="fold"), Column("dropped (UTC)", no_wrap=True))
    for one in missing:
        table.add_row(one.connector or "none", printable(one.key), _time(one)[:16])
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
