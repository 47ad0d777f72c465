"""`activation receipts`: receipts, or the Glue job's drops, as tables that Athena queries or that are exported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cli.athena.queries import Dataset

receipts = typer.Typer(no_args_is_help=True, help="All receipts as a table: queries and exports.")

_QUERY = "SQL over the table receipts, or by-connector, by-day, rejections, stopped or slowest."
_Parts = Annotated[
    bool,
    typer.Option("--parts", help="Query the drops of the Glue job instead: a table for each export, by `folder`."),
]

BESIDE_A_COLUMN = 3  # a border and a space on each side


@receipts.command("query")
def query_receipts(
    query: Annotated[str, typer.Argument(help=_QUERY)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per row.")] = False,
    parts: _Parts = False,
) -> None:
    """Query all receipts by Athena; exit 1 if that fails. docs/receipts.md lists the columns."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    import pyarrow.parquet as pq

    with TemporaryDirectory() as folder:
        file = Path(folder) / "result.parquet"
        _write(query, str(file), parts=parts)
        result = pq.read_table(file)
    if as_json:
        for row in result.to_pylist():
            print(json.dumps(row, ensure_ascii=False, default=str))
    else:
        _print(result)


@receipts.command("export")
def export_receipts(
    output: Annotated[str, typer.Option(help="The new Parquet file: a path, or s3://BUCKET/KEY.")],
    query: Annotated[str | None, typer.Option(help=f"Only the result of a query: {_QUERY}")] = None,
    parts: _Parts = False,
) -> None:
    """Write the table of receipts, or a query's result, as Parquet; exit 1 if the file exists already."""
    if parts and query is None:
        raise typer.BadParameter("missing; --parts has a table for each export", param_hint="--query")
    print(f"{_write(query, output, parts=parts):,} rows")


def _write(query: str | None, output: str, *, parts: bool) -> int:
    """Write a query's result, or the current table for None; end the command if that is refused."""
    from activation.errors import ActivationError

    from cli import deployment
    from cli.athena.queries import Dataset, place_for, sql_of, write
    from cli.printable import printable
    from stacks.receipt_table import QUERIES

    try:
        sql = "" if query is None else sql_of(query, () if parts else QUERIES)
        place = place_for(output)
        return write(Dataset(*deployment.parts_dataset()) if parts else _current(), sql, place)
    except ActivationError as error:
        deployment.fail(printable(f"{error.code}: {error.sentence}"))


def _current() -> Dataset:
    """Return the table of receipts, brought up to date; raises QueryRefusedError if the app has none."""
    import boto3

    from cli import deployment
    from cli.athena.queries import Dataset, QueryRefusedError
    from cli.printable import printable
    from cli.receipt_dataset import refresh
    from stacks.receipt_table import TABLE

    found = deployment.find()
    if not found.receipts_database:
        raise QueryRefusedError(
            "no_receipt_table", "the deployed release has no table of receipts: deploy this one"
        )
    for key in refresh(boto3.client("s3"), found.receipts_bucket).unreadable:
        typer.echo(printable(f"left out, not a JSON object: {key}"), err=True)
    return Dataset(found.receipts_database, found.receipts_workgroup, TABLE)


def _print(result: Any) -> None:
    from rich.cells import cell_len
    from rich.table import Column, Table

    from cli.printable import console, printable

    names = [printable(name) for name in result.column_names]
    rows = [
        [printable("" if value is None else str(value)) for value in row.values()] for row in result.to_pylist()
    ]
    screen = console()
    wide = sum(max(map(cell_len, cells)) + BESIDE_A_COLUMN for cells in zip(names, *rows, strict=True))
    if rows and wide + 1 > screen.width:  # as columns, names and ids would break in their middle
        table = Table("column", Column("value", overflow="fold"), show_header=False)
        for row in rows:
            for name, text in zip(names, row, strict=True):
                table.add_row(name, text)
            table.add_section()
    else:
        table = Table(*(Column(name, overflow="fold") for name in names))
        for row in rows:
            table.add_row(*row)
    screen.print(table)
