"""The saved queries in DuckDB, under Athena's names for things."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from stacks.marketing_stream.catalogue import BY_ID
from stacks.marketing_stream.queries import queries, table_name

# Athena's names for what DuckDB calls otherwise. Athena gives null for what is not JSON, DuckDB an error:
# https://trino.io/docs/current/functions/json.html, read 2026-11-22.
_ATHENA = """
create macro json_extract_scalar(text, path) as
    case when json_valid(text) then json_extract_string(text, path) end;
create macro json_format(value) as cast(value as varchar);
create macro regexp_replace(text, pattern, replacement) as
    system.main.regexp_replace(text, pattern, replace(replacement, '$', chr(92)), 'g');
"""


class Athena:
    """A database with the table of one dataset, `rows` being lines and their files, and its saved queries."""

    def __init__(self, dataset: str, rows: Sequence[tuple[str, str]]) -> None:
        self._database = duckdb.connect()
        self._database.execute(_ATHENA)
        self._database.execute(f'create table {table_name(dataset)} (line varchar, "$path" varchar)')
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            self._database.execute(f"insert into {table_name(dataset)} select unnest(?), unnest(?)", columns)
        for query in queries(dataset, BY_ID[dataset].counting):
            self._database.execute(query.sql)

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """Run a query; returns rows as objects."""
        found = self._database.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def landed_lines(folder: Path) -> list[tuple[str, str]]:
    """Return every line of the files below a folder, and its file."""
    return [(line, str(path)) for path in sorted(folder.rglob("*")) if path.is_file() for line in _lines(path)]


def _lines(path: Path) -> list[str]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text("utf-8")
    return text.split("\n")[:-1]
