"""Queries as DuckDB runs them over copies of the tables, and their rows as the files that Clean Rooms writes."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

_PARQUET = b"PAR1"
# A parameter of an analysis template; `::` is a cast.
_PARAMETER = re.compile(r"(?<!:):([0-9a-zA-Z_]{1,100})\b")


class QueryError(Exception):
    """The query cannot be run; the text is DuckDB's."""


def run(
    sql: str, tables: Mapping[str, bytes], parameters: Mapping[str, str], types: Mapping[str, str]
) -> pa.Table:
    """Run a query over tables in CSV or Parquet; `types` are those of a template's parameters.

    Raises QueryError. The query reaches no file and no network of this machine.
    """
    text = _PARAMETER.sub(lambda one: f"CAST(${one[1]} AS {types[one[1]]})" if one[1] in types else one[0], sql)
    with duckdb.connect() as connection, tempfile.TemporaryDirectory() as folder:
        for number, (name, body) in enumerate(tables.items()):
            path = Path(folder, str(number))
            path.write_bytes(body)
            read = "read_parquet" if body.startswith(_PARQUET) else "read_csv"
            made = f'CREATE TABLE "{name}" AS SELECT * FROM {read}(?)'  # noqa: S608  the name is a test's
            connection.execute(made, [str(path)])
        connection.execute("SET enable_external_access = false")
        try:
            # By the statement's own parameters: DuckDB refuses values that it does not use.
            wanted = connection.extract_statements(text)[0].named_parameters
            return connection.sql(text, params={name: parameters[name] for name in wanted}).to_arrow_table()
        except (duckdb.Error, KeyError, IndexError) as error:
            raise QueryError(str(error)) from error


def files_of(rows: pa.Table, result_format: str, count: int) -> list[bytes]:
    """Return rows as so many files: CSV with a header and commas, or Parquet."""
    size = max(1, -(-rows.num_rows // count))
    return [_file(rows.slice(first, size), result_format) for first in range(0, max(rows.num_rows, 1), size)]


def _file(rows: pa.Table, result_format: str) -> bytes:
    body = io.BytesIO()
    if result_format == "PARQUET":
        pyarrow.parquet.write_table(rows, body)
    else:
        pyarrow.csv.write_csv(rows, body, pyarrow.csv.WriteOptions(quoting_style="needed", quoting_header="none"))
    return body.getvalue()
