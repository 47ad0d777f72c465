"""Queries over receipts or drops, checked here and run by Athena in the workgroup of these."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from activation.errors import ActivationError

from cli.athena.environment import interpreter
from stacks.receipt_table import QUERIES, Query

PROGRAM = Path(__file__).with_name("program.py")
_COMMENT = re.compile(r"--[^\n]*(?:\n|$)|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Dataset:
    """Tables in Athena: their database, the workgroup that queries them, and the one that is exported whole."""

    database: str
    workgroup: str
    table: str = ""


class QueryRefusedError(ActivationError):
    """A query that is not run, or that Athena did not finish."""


def sql_of(query: str, named: Sequence[Query] = QUERIES) -> str:
    """Return the SQL of one of the `named` queries, or the query itself if it only reads.

    Raises QueryRefusedError: `unknown_query` for a single word that names none, `query_changes` for any statement
    but SELECT and WITH.
    """
    if re.fullmatch(r"[\w-]+", query):
        found = next((one.sql for one in named if one.name == query), None)
        if found is None:
            names = ", ".join(one.name for one in named)
            known = f"use one of {names}, or write SQL" if names else "write SQL"
            raise QueryRefusedError("unknown_query", f"no query has this name: {known}")
        return found
    words = _COMMENT.sub(" ", query).replace("(", " ").split()
    if not words or words[0].lower() not in ("select", "with"):
        raise QueryRefusedError(
            "query_changes", "write a query of the app's tables that begins with SELECT or WITH"
        )
    return query


def place_for(output: str) -> str:
    """Return an s3:// URL as it is, a path as an absolute one; QueryRefusedError if no new file can be there."""
    if output.startswith("s3://"):
        return output
    path = Path(output).absolute()
    if path.exists():
        raise QueryRefusedError("output_exists", "--output must name a file that does not exist yet")
    if not path.parent.is_dir():
        raise QueryRefusedError("no_folder", "--output must name a file in a folder that exists")
    return str(path)


def write(dataset: Dataset, sql: str, output: str) -> int:
    """Write a query's result, or the whole table for "", as the Parquet file `output`; return its number of rows.

    Raises QueryRefusedError: `query_failed` with Athena's reason, `output_exists` for an object that is there
    already, `query_unavailable` where AWS could not be asked, with the last line of the reason; and
    NoEnvironmentError.
    """
    asked = {
        "database": dataset.database,
        "workgroup": dataset.workgroup,
        "table": dataset.table,
        "sql": sql,
        "output": output,
    }
    done = subprocess.run(
        # -I: neither the current folder nor PYTHONPATH may shadow what the lock installed.
        [interpreter(), "-I", PROGRAM],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise QueryRefusedError("query_unavailable", reason)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "refused" in told:
        raise QueryRefusedError("query_failed", told["refused"])
    if "exists" in told:
        raise QueryRefusedError("output_exists", "--output must name an object that does not exist yet")
    return int(told["rows"])
