"""`activation receipts`: receipts, or exports and the drops made of them, as tables to query or to export."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cli.athena.queries import Dataset

receipts = typer.Typer(no_args_is_help=True, help="All receipts as a table: queries and exports.")

_QUERY = (
    "SQL over the table receipts, or by-connector, by-day, rejections, match-rate, rejections-by-day, stopped or"
    " slowest."
)
_Parts = Annotated[
    bool,
    typer.Option("--parts", help="Query the drops of the Glue job instead: a table for each export, by `folder`."),
]
_Exports = Annotated[
    bool,
    typer.Option("--exports", help="Query the exports themselves instead: a table for each that has its columns."),
]

BESIDE_A_COLUMN = 3  # a border and a space on each side


@receipts.command("query")
def query_receipts(
    query: Annotated[str, typer.Argument(help=_QUERY)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per row.")] = False,
    parts: _Parts = False,
    exports: _Exports = False,
) -> None:
    """Query all receipts by Athena; exit 1 if that fails. docs/receipts.md lists the columns."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    import pyarrow.parquet as pq

    with TemporaryDirectory() as folder:
        file = Path(folder) / "result.parquet"
        _write(query, str(file), parts=parts, exports=exports)
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
    exports: _Exports = False,
) -> None:
    """Write the table of receipts, or a query's result, as Parquet; exit 1 if the file exists already."""
    if (parts or exports) and query is None:
        raise typer.BadParameter("missing; there is a table for each export", param_hint="--query")
    print(f"{_write(query, output, parts=parts, exports=exports):,} rows")


def _write(query: str | None, output: str, *, parts: bool, exports: bool) -> int:
    """Write a query's result, or the current table for None; end the command if that is refused."""
    if parts and exports:
        raise typer.BadParameter("give one of --parts and --exports", param_hint="--exports")
    from activation.errors import ActivationError

    from cli import deployment
    from cli.athena.queries import Dataset, place_for, sql_of, write
    from cli.printable import printable
    from stacks.receipt_table import QUERIES

    try:
        sql = "" if query is None else sql_of(query, () if parts or exports else QUERIES)
        place = place_for(output)
        if parts or exports:
            found = deployment.parts_dataset() if parts else deployment.exports_dataset()
            return write(Dataset(*found), sql, place)
        return write(_current(), sql, place)
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
