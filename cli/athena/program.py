"""Run one query, or read one table, and write the result as Parquet.

It runs in the environment of requirements.txt beside it, so that it imports nothing of the project. Standard input
is a JSON object: `database`, `workgroup`, `table`, `sql` ("" for the whole table) and `output`, a path or an s3://
URL. Standard output is one too: `rows`, `refused` with Athena's reason, or `exists` if there is such an object.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import awswrangler as wr


def run(asked: dict[str, str]) -> dict[str, Any]:
    """Write the result to `output` and return the number of its rows, or why there is none."""
    if asked["output"].startswith("s3://") and wr.s3.does_object_exist(asked["output"]):
        return {"exists": True}
    try:
        frame = _result(asked) if asked["sql"] else _table(asked)
    except (wr.exceptions.QueryFailed, wr.exceptions.QueryCancelled) as error:
        return {"refused": str(error) or "Athena cancelled the query"}
    if asked["output"].startswith("s3://"):
        wr.s3.to_parquet(frame, path=asked["output"], index=False)
    else:
        frame.to_parquet(asked["output"], index=False)
    return {"rows": len(frame)}


def _result(asked: dict[str, str]) -> Any:
    # Not by CREATE TABLE AS, awswrangler's default: people have no right to write tables into the catalogue.
    return wr.athena.read_sql_query(
        asked["sql"],
        database=asked["database"],
        workgroup=asked["workgroup"],
        ctas_approach=False,
        keep_files=True,  # the bucket's rule deletes them, so that nobody needs the right to
        dtype_backend="pyarrow",
        athena_query_wait_polling_delay=0.25,  # seconds: the table is small, so are the queries
    )


def _table(asked: dict[str, str]) -> Any:
    return wr.s3.read_parquet_table(table=asked["table"], database=asked["database"], dtype_backend="pyarrow")


if __name__ == "__main__":
    print(json.dumps(run(json.load(sys.stdin))))
