"""`activation receipt`: the result of one run, also while it runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import runs
from cli.runs.rows import OPEN

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

    from cli.deployment import Deployment


# Why the ledger may not answer although there is a receipt: it has no index, or is of another release.
STILL_STORED = frozenset({"no_run_index", "older_ledger", "newer_ledger"})


def receipt(
    run: Annotated[str, typer.Argument(autocompletion=runs, help="The run's id, or its first digits.")],
    rejects: Annotated[
        bool,
        typer.Option(
            "--rejects", help="Print the rejected rows as CSV instead; cells left out of other rows go to stderr."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as it is stored.")] = False,
    page: Annotated[
        Path | None,
        typer.Option("--html", help="Write it into this file instead, as a page to look at or to mail."),
    ] = None,
) -> None:
    """Show where every row of a drop went; of a run that has not ended, where they are now.

    Exits 0 for applied or empty, 1 for failed, blocked or superseded, 3 while the run goes on, 4 if there is none.
    """
    import boto3
    from activation.report.page import document
    from activation.report.places import first_places

    from cli import deployment
    from cli.receipt_table import print_receipt
    from cli.runs.shown import exit_code

    found = deployment.find()
    client = boto3.client("s3")
    body = _receipt_of(found, client, run)
    if rejects:
        if body["rejects_key"] is None:
            typer.echo(f"no rejects were written: {_why_none(body)}", err=True)
        else:
            _print_object(client, found.receipts_bucket, body["rejects_key"])
        _tell_left_out(body["cells_left_out"])
    elif page is not None:
        page.write_text(document(body, first_places(client, found.receipts_bucket, body["rejects_key"])), "utf-8")
    elif as_json:
        print(json.dumps(body, ensure_ascii=False))
    else:
        print_receipt(body)
    raise typer.Exit(exit_code(body["state"]))


def _receipt_of(found: Deployment, client: S3Client, run: str) -> dict[str, Any]:
    """Return a run's receipt: as the ledger knows the run, else a stored one that has outlived its record."""
    from activation.errors import ConfigError

    from cli import deployment
    from cli.runs.shown import UNKNOWN, no_run
    from cli.runs.view import UnknownRunError, show_run
    from cli.typed import typed

    try:
        return show_run(found, run).receipt
    except (UnknownRunError, ConfigError) as unknown:
        if isinstance(unknown, ConfigError) and unknown.code not in STILL_STORED:
            deployment.fail(f"{unknown.code}: {unknown.sentence}")
        receipts = _stored(client, found.receipts_bucket, run)
    if len(receipts) != 1:
        many = f"ambiguous run id: {len(receipts)} matches; list the runs: {typed('runs')}"
        deployment.fail(many if receipts else no_run(run), exit_code=UNKNOWN)
    return receipts[0]


def stored_receipt(client: S3Client, bucket: str, run: str) -> dict[str, Any]:
    """Return the receipt of the run whose id is `run` or begins with it; end the command without exactly one."""
    from cli import deployment
    from cli.typed import typed

    receipts = _stored(client, bucket, run)
    if len(receipts) != 1:
        none = f"no receipt yet for a run with this id; list the runs: {typed('runs')}"
        many = f"ambiguous run id: {len(receipts)} matches; list the runs: {typed('runs')}"
        deployment.fail(many if receipts else none)
    return receipts[0]


def _stored(client: S3Client, bucket: str, run: str) -> list[dict[str, Any]]:
    """Return the stored receipts of the runs whose id is `run` or begins with it; of several, not their text."""
    keys = [
        item["Key"]
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="receipts/")
        for item in page.get("Contents", [])
        if item["Key"].rsplit("/", 1)[-1].startswith(run) and item["Key"].endswith(".json")
    ]
    if len(keys) != 1:
        return [{} for _ in keys]
    return [json.loads(client.get_object(Bucket=bucket, Key=keys[0])["Body"].read())]


def _why_none(receipt: dict[str, Any]) -> str:
    """Return why a run has no list of rejects: it was stopped, has not ended, or rejected no row."""
    if receipt["reason"]:
        return f"{receipt['reason']['code']}: {receipt['reason']['sentence']}"
    if receipt["state"] in OPEN:
        return "the run has not ended; the list is written when it does"
    return f"the run is {receipt['state']}, and no row was rejected"


def _tell_left_out(cells: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Print to stderr the cells left out of rows that were sent, which the list of rejected rows lacks."""
    from cli.printable import counted, printable

    lines = []
    for field, codes in cells.items():
        for code, found in codes.items():
            places = [f"{one['file']}, row {one['row']}" for one in found.get("first_places", ())]
            first = "; ".join(places) or ", ".join(str(row) for row in found["first_rows"])
            where = f", first {'in' if places else 'in row'} {first}" if first else ""
            lines.append(f"{field}: {code} {counted(found['cells'], 'cell')}{where}")
    if lines:
        title = "these cells are not in the list, since their rows were sent without them:"
        typer.echo("\n".join((title, *map(printable, lines))), err=True)


def _print_object(client: S3Client, bucket: str, key: str) -> None:
    """Copy an object to standard output."""
    for chunk in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks():
        sys.stdout.buffer.write(chunk)
