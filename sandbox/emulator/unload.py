"""UNLOAD in Athena: a query whose result becomes files in a folder of S3, listed in a manifest.

The emulator's engine, DuckDB, knows no UNLOAD; here its COPY writes the files. Athena refuses a folder that is not
empty, names the files without an extension (`.gz` for text), and writes `<query id>-manifest.csv`, one URL a line,
and `<query id>.metadata` where results go, not into the folder.
https://docs.aws.amazon.com/athena/latest/ug/unload.html and querying-finding-output-files.html (read 2026-11-30)
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ministack.services import athena, s3

from sandbox.emulator.hook import Function, Hook
from sandbox.emulator.unload_statement import (
    MOST_PARTITIONS,
    Unload,
    UnloadRefusedError,
    parse,
    quoted,
)

_EXECUTE = Hook("ministack.services.athena", "_execute_query", ("query_id", "query", "database", "ddl", "catalog"))
_RESULTS = Hook("ministack.services.athena", "_get_query_results", ("data",))

HOOKS: tuple[Hook, ...] = (
    _EXECUTE,
    _RESULTS,
    Hook("ministack.services.athena", "_Cursor", ("text",)),
    Hook("ministack.services.athena", "_rewrite_data_paths", ("query", "database", "catalog")),
    Hook("ministack.services.athena", "_attach_s3_table_buckets", ("conn", "buckets")),
    Hook("ministack.services.s3", "_put_object", ("bucket_name", "key", "body", "headers")),
)


def install() -> None:
    """Run UNLOAD where the emulator would hand it to DuckDB, and answer for it as for any DML."""
    _EXECUTE.replace(_with_unload)
    _RESULTS.replace(_without_rows)


def _with_unload(original: Function) -> Function:
    async def execute(query_id: str, query: str, database: str, ddl: Any, catalog: str | None = None) -> None:
        unload = parse(query)
        if unload is None:
            await original(query_id, query, database, ddl, catalog)
            status = athena._executions[query_id]["Status"]
            status["StateChangeReason"] = _without_paths(status["StateChangeReason"])
            return
        execution = athena._executions[query_id]
        status, began = execution["Status"], time.monotonic()
        status["State"] = "RUNNING"
        try:
            await _run(execution, unload, database, catalog)
        except Exception as error:  # noqa: BLE001  whatever DuckDB says is the reason why the query failed
            athena.logger.error("Athena query %s failed: %s", query_id, error)
            status["State"], status["StateChangeReason"] = "FAILED", _without_paths(str(error))[:2000]
        taken_ms = int((time.monotonic() - began) * 1000)
        execution["Statistics"] |= {
            "EngineExecutionTimeInMillis": taken_ms,
            "TotalExecutionTimeInMillis": taken_ms,
        }
        status["CompletionDateTime"] = int(time.time())

    return execute


def _without_paths(reason: str) -> str:
    """Return DuckDB's reason without the line that it quotes: there the tables are files of the sandbox."""
    return reason.partition("\nLINE ")[0].rstrip()


async def _run(execution: dict[str, Any], unload: Unload, database: str, catalog: str | None) -> None:
    """Write the files, then the manifest; an execution that was stopped meanwhile writes nothing more."""
    unload.check()
    bucket = s3._buckets.get(unload.bucket)
    if bucket is None:
        raise UnloadRefusedError(f"The specified bucket does not exist (Bucket: {unload.bucket})")
    # With partitions Athena adds to what is there.
    if not unload.partitioned_by and any(key.startswith(unload.prefix) for key in bucket["objects"]):
        raise UnloadRefusedError(
            f"HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists: {unload.url}. You may need "
            "to manually clean the data at this location before retrying. Athena will not delete data in your "
            "account."
        )
    query, tables, inputs = await athena._rewrite_data_paths(unload.select, database, catalog)
    with tempfile.TemporaryDirectory(prefix="unload-") as folder:
        files = Path(folder, "files")
        try:
            count = await asyncio.to_thread(_copy, query, tables, unload, files)
        finally:
            for one in inputs:
                shutil.rmtree(one, ignore_errors=True)
        if execution["Status"]["State"] != "RUNNING":
            return
        urls = _stored(unload, files) if count else []
    base = execution["ResultConfiguration"]["OutputLocation"]
    _put(f"{base}-manifest.csv", "".join(f"{url}\n" for url in urls).encode())
    _put(f"{base}.metadata", b"rows\nbigint")
    execution["Statistics"]["DataManifestLocation"] = f"{base}-manifest.csv"
    execution["_results"], execution["_column_types"] = {"columns": ["rows"], "rows": []}, ["bigint"]
    execution["_unloaded_rows"] = count
    execution["Status"]["State"] = "SUCCEEDED"


def _copy(query: str, tables: dict[str, str], unload: Unload, folder: Path) -> int:
    """Write the query's result below `folder`; return the number of its rows."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        # As in the emulator's own queries: else DuckDB 2 fails on a cell that is not of its column's type.
        connection.execute("SET disabled_optimizers = 'type_pushdown'")
        if tables:
            athena._attach_s3_table_buckets(connection, tables)
        columns = {row[0]: row[1] for row in connection.execute(f"DESCRIBE ({query})").fetchall()}
        unload.check_columns(columns)
        # DuckDB's sum of integers is a HUGEINT, which would become a DOUBLE in Parquet; Athena's is a BIGINT.
        casts = ", ".join(
            f"CAST({quoted(name)} AS BIGINT) AS {quoted(name)}"
            for name, type_ in columns.items()
            if type_ in ("HUGEINT", "UHUGEINT")
        )
        chosen = f"SELECT * REPLACE ({casts}) FROM ({query})" if casts else query  # noqa: S608  the query is the caller's
        place = str(folder).replace("'", "''")
        found = connection.execute(f"COPY ({chosen}) TO '{place}' ({unload.copy_options()})").fetchone()
    partitions = {file.parent for file in folder.rglob("*") if file.is_file()}
    if unload.partitioned_by and len(partitions) > MOST_PARTITIONS:
        raise UnloadRefusedError(
            f"HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of {MOST_PARTITIONS} open writers for "
            "partitions/buckets"
        )
    return int(found[0]) if found else 0


def _stored(unload: Unload, folder: Path) -> list[str]:
    """Put the files into the target; return their URLs."""
    engine_id = f"{time.strftime('%Y%m%d_%H%M%S', time.gmtime())}_00001_{uuid.uuid4().hex[:5]}"
    urls = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        partition = "".join(f"{part}/" for part in file.relative_to(folder).parent.parts)
        name = f"{engine_id}_{uuid.uuid4()}{'.gz' if unload.is_text else ''}"
        urls.append(f"{unload.url}{partition}{name}")
        _put(urls[-1], file.read_bytes())
    return urls


def _put(url: str, body: bytes) -> None:
    place = urlsplit(url)
    headers = {"content-type": "application/octet-stream", "content-length": str(len(body))}
    status, _, answer = s3._put_object(place.netloc, place.path.lstrip("/"), body, headers)
    if status >= 300:
        raise UnloadRefusedError(f"S3 refused {url}: {answer.decode(errors='replace')[:500]}")


def _without_rows(original: Function) -> Function:
    """Return the results of a statement that has no rows, only how many it wrote."""

    def results(data: dict[str, Any]) -> Any:
        status, headers, body = original(data)
        written = athena._executions.get(data.get("QueryExecutionId"), {}).get("_unloaded_rows")
        if written is None or status != 200:
            return status, headers, body
        answer = json.loads(body)
        answer["ResultSet"]["Rows"], answer["UpdateCount"] = [], written
        return status, headers, json.dumps(answer).encode()

    return results
