"""The table over the receipts, as plain data: its columns with their Athena types, and the named queries.

The stored receipts are JSON over several lines, which Athena cannot read, and lie beside lists of rejects, which
it would read as well: https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html, read 2026-11-30. So the
table is over one Parquet file, which `activation receipts` brings up to date before each query.
"""

from __future__ import annotations

from dataclasses import dataclass

TABLE = "receipts"
PREFIX = "catalogue/receipts/"  # in the receipts bucket, outside the prefix of the receipts themselves
KEY = f"{PREFIX}receipts.parquet"
RESULTS = "queries/"  # in the receipts bucket: what Athena writes of each query
# The same of queries over drops, which hold people: another prefix, for other readers.
RESULTS_OF_PARTS = "queries-of-parts/"
RESULTS_OF_EXPORTS = "queries-of-exports/"  # of queries over exports, which hold people in plain text
BYTES_SCANNED_LIMIT = 1_000_000_000  # of one query; of receipts one is less than a kilobyte

_CODES = "map<string,bigint>"
# The name, type and meaning of each column. Rows, requests and the like are counts; times are UTC.
COLUMNS: dict[str, tuple[str, str]] = {
    "run_id": ("string", "the run"),
    "connector": ("string", "the connector's name"),
    "platform": ("string", "the platform's name"),
    "account": ("string", "the ad account"),
    "audience": ("string", "the audience's name"),
    "audience_id": ("string", "the platform's id of it, null until it is known"),
    "action": ("string", "add, remove, replace or mirror"),
    "state": ("string", "the state of the run"),
    "final": ("boolean", "whether the run has ended"),
    "reason": ("string", "the code of why it was stopped, null if it was not"),
    "drop_key": ("string", "the drop's key in its bucket"),
    "identifiers": ("string", "raw, hashed, events or a type"),
    "format": ("string", "the format of the file"),
    "size_bytes": ("bigint", "the size of the drop"),
    "files": ("bigint", "files of a folder, null for a single file"),
    "export": ("string", "which mapping or export wrote the folder, null if its manifest does not say"),
    "export_slot": ("string", "the time that the export is for, null if its manifest does not say"),
    "export_rows": ("bigint", "rows of the folder's files by its manifest"),
    "export_left_out": (_CODES, "rows that the export left out by code, by its manifest"),
    "rows_in": ("bigint", "rows of the drop, null until it is read to the end"),
    "rows_read": ("bigint", "rows with a known outcome"),
    "rows_acknowledged": ("bigint", "rows that the platform accepted"),
    "rows_unchanged": ("bigint", "rows of a mirror that the audience had already"),
    "rows_rejected_by_us": ("bigint", "rows that were not sent"),
    "rows_left_in": (
        "bigint",
        "of these, rows whose people an undo left in the audience, null for none",
    ),
    "rows_rejected_by_platform": ("bigint", "rows that the platform refused"),
    "rejected_by_us": (_CODES, "the same by code"),
    "rejected_by_platform": (_CODES, "the same by code"),
    "warnings": ("array<string>", "codes of the warnings"),
    "requests": ("bigint", "requests to the platform"),
    "resent": ("bigint", "of these, repetitions"),
    "in_doubt": ("bigint", "events that may count twice, null unless events were sent"),
    "bytes_sent": ("bigint", "bytes of the requests' bodies"),
    "started_at": ("timestamp", "when the run began"),
    "written_at": ("timestamp", "when the receipt was written"),
    "seconds": ("double", "from the first message to the receipt"),
    "active_seconds": ("double", "of these, in invocations"),
    "receipt_key": ("string", "the receipt's key in its bucket"),
    "receipt_etag": ("string", "which version of the receipt the row was made of"),
}


@dataclass(frozen=True)
class Query:
    """A query with a name: the word for the command line, what it answers, and its SQL."""

    name: str
    purpose: str
    sql: str


def _by_code(column: str, side: str) -> str:
    return (
        f"select '{side}' as rejected_by, connector, code, count(*) as runs, sum({column}[code]) as row_count\n"
        f"from {TABLE} cross join unnest(map_keys({column})) as codes (code)\ngroup by connector, code"
    )


def _by_day(column: str, side: str) -> str:
    return (
        f"select cast(date_trunc('day', started_at) as date) as day, coalesce(export, connector) as source,\n"
        f"  '{side}' as rejected_by, code, sum({column}[code]) as row_count\n"
        f"from {TABLE} cross join unnest(map_keys({column})) as codes (code)\n"
        f"group by cast(date_trunc('day', started_at) as date), coalesce(export, connector), code"
    )


# Only what Trino and DuckDB, the sandbox's engine, have in common.
QUERIES = (
    Query(
        "by-connector",
        "Runs and rows of each connector",
        "select connector, platform, count(*) as runs, sum(rows_in) as rows_in,\n"
        "  sum(rows_acknowledged) as acknowledged, sum(rows_rejected_by_us) as rejected_by_us,\n"
        f"  sum(rows_rejected_by_platform) as rejected_by_platform\nfrom {TABLE}\n"
        "group by connector, platform order by connector",
    ),
    Query(
        "by-day",
        "Runs and rows of each day in UTC, newest first",
        "select cast(date_trunc('day', started_at) as date) as day, connector, count(*) as runs,\n"
        f"  sum(rows_acknowledged) as acknowledged, sum(requests) as requests\nfrom {TABLE}\n"
        "group by cast(date_trunc('day', started_at) as date), connector order by 1 desc, 2",
    ),
    Query(
        "rejections",
        "Rejected rows by connector and code, the most first",
        f"{_by_code('rejected_by_us', 'us')}\nunion all\n{_by_code('rejected_by_platform', 'platform')}\n"
        "order by row_count desc, connector, code",
    ),
    Query(
        "match-rate",
        "The share of rows in that the platform accepted, by day and audience, newest first",
        "select cast(date_trunc('day', started_at) as date) as day, connector, audience,\n"
        "  sum(rows_in) as rows_in,\n"
        "  sum(rows_acknowledged + coalesce(rows_unchanged, 0)) as accepted,\n"
        "  round(100.0 * sum(rows_acknowledged + coalesce(rows_unchanged, 0)) / sum(rows_in), 2) as percent\n"
        f"from {TABLE} where rows_in > 0 and coalesce(action, 'add') <> 'remove'\n"
        "group by cast(date_trunc('day', started_at) as date), connector, audience order by 1 desc, 2, 3",
    ),
    Query(
        "rejections-by-day",
        "Rejected rows by day, source and code, newest first; a source is an export or a connector",
        f"{_by_day('rejected_by_us', 'us')}\nunion all\n{_by_day('rejected_by_platform', 'platform')}\n"
        "order by day desc, source, row_count desc, code",
    ),
    Query(
        "stopped",
        "Runs that failed, are blocked or were superseded, newest first",
        f"select run_id, connector, audience, state, reason, rows_acknowledged, written_at\nfrom {TABLE}\n"
        "where state in ('failed', 'blocked', 'superseded') order by written_at desc",
    ),
    Query(
        "slowest",
        "The twenty runs that took longest",
        f"select run_id, connector, audience, rows_in, requests, seconds, active_seconds\nfrom {TABLE}\n"
        "order by seconds desc limit 20",
    ),
)
