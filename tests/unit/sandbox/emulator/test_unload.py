"""Athena's UNLOAD in the sandbox: its files, its manifest, what it refuses, and the token that repeats nothing."""

from __future__ import annotations

import gzip
import io
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from tests.unit.sandbox.emulator.driver import Emulator, until

NAME = r"\d{8}_\d{6}_\d{5}_\w{5}_[0-9a-f-]{36}"
PEOPLE = """
SELECT * FROM (VALUES (1, 'a@b.example', 'de'), (2, NULL, 'fr'), (3, 'c, "d"', 'de')) AS t(id, mail, country)
"""


@dataclass
class Lake:
    """A bucket of files and one of results, and what runs statements over them."""

    emulator: Emulator
    bucket: str
    results: str

    def start(self, query: str, token: str = "", location: str = "results/") -> str:
        """Begin a query; returns its id."""
        found = self.emulator.client("athena").start_query_execution(
            QueryString=query,
            QueryExecutionContext={"Database": self.database},
            ResultConfiguration={"OutputLocation": f"s3://{self.results}/{location}"},
            **({"ClientRequestToken": token} if token else {}),
        )
        return str(found["QueryExecutionId"])

    @property
    def database(self) -> str:
        """Return the name of the lake's database."""
        return self.bucket.replace("-", "_")

    def ran(self, query: str) -> dict[str, Any]:
        """Run a query to its end; returns its execution."""
        query_id, client = self.start(query), self.emulator.client("athena")

        def execution() -> dict[str, Any]:
            found: dict[str, Any] = client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            return found

        until(lambda: execution()["Status"]["State"] not in ("QUEUED", "RUNNING"), within_s=30)
        return execution()

    def unloaded(self, select: str, properties: str, folder: str = "") -> list[str]:
        """Unload a query; returns the lines of the manifest."""
        folder = folder or uuid.uuid4().hex
        execution = self.ran(f"UNLOAD ({select}) TO 's3://{self.bucket}/{folder}/' WITH ({properties})")
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        manifest = execution["Statistics"]["DataManifestLocation"]
        assert manifest == f"s3://{self.results}/results/{execution['QueryExecutionId']}-manifest.csv"
        lines = self.read(manifest).decode().splitlines()
        assert sorted(lines) == self.urls(f"{folder}/")
        return lines

    def failed(self, query: str) -> str:
        """Run a query that has to fail; returns the reason."""
        execution = self.ran(query)
        assert execution["Status"]["State"] == "FAILED"
        return str(execution["Status"]["StateChangeReason"])

    def urls(self, prefix: str) -> list[str]:
        """Return the URLs below a prefix, sorted."""
        listed = self.emulator.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [f"s3://{self.bucket}/{one['Key']}" for one in listed.get("Contents", [])]

    def read(self, url: str) -> bytes:
        """Return an object's bytes."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        body: bytes = self.emulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        self.emulator.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)


@pytest.fixture(scope="module")
def lake(emulator: Emulator) -> Lake:
    """Make the buckets, and a database with a table of three orders in Parquet."""
    made = Lake(emulator, emulator.bucket(), emulator.bucket())
    file = io.BytesIO()
    pq.write_table(pa.table({"customer": ["a", "b", "a"], "cents": pa.array([100, 250, 400], pa.int64())}), file)
    made.put("orders/1", file.getvalue())
    glue = emulator.client("glue")
    glue.create_database(DatabaseInput={"Name": made.database})
    columns = [{"Name": "customer", "Type": "string"}, {"Name": "cents", "Type": "bigint"}]
    storage = {"Location": f"s3://{made.bucket}/orders/", "Columns": columns}
    table = {"Name": "orders", "StorageDescriptor": storage, "Parameters": {"classification": "parquet"}}
    glue.create_table(DatabaseName=made.database, TableInput=table)
    return made


def test_parquet_holds_a_tables_sums_as_whole_numbers(lake: Lake) -> None:
    """UNLOAD writes a query over a catalogued table as Parquet with gzip, in files without an extension."""
    urls = lake.unloaded(
        "SELECT customer, sum(cents) AS cents FROM orders GROUP BY customer", "format = 'PARQUET'"
    )
    assert all(re.fullmatch(NAME, url.rpartition("/")[2]) for url in urls)
    files = [pq.ParquetFile(io.BytesIO(lake.read(url))) for url in urls]
    rows = [
        row for file in files for row in file.read().to_pylist()
    ]  # in files as many as threads wrote, unordered
    assert sorted(rows, key=str) == [{"customer": "a", "cents": 500}, {"customer": "b", "cents": 250}]
    assert {file.schema_arrow.field("cents").type for file in files} == {pa.int64()}
    assert {file.metadata.row_group(0).column(0).compression for file in files} == {"GZIP"}


@pytest.mark.parametrize(
    ("given", "compression"), [("snappy", "SNAPPY"), ("ZSTD", "ZSTD"), ("none", "UNCOMPRESSED")]
)
def test_parquet_is_compressed_as_asked(lake: Lake, given: str, compression: str) -> None:
    """The property `compression` chooses how Parquet is compressed, in any case."""
    (url,) = lake.unloaded(PEOPLE, f"format = 'parquet', compression = '{given}'")
    assert pq.ParquetFile(io.BytesIO(lake.read(url))).metadata.row_group(0).column(0).compression == compression


@pytest.mark.parametrize(
    ("more", "delimiter"), [("", "\x01"), (", field_delimiter = ','", ","), (", field_delimiter = '\\t'", "\t")]
)
def test_text_has_no_header_and_no_quotes(lake: Lake, more: str, delimiter: str) -> None:
    """TEXTFILE is Hive's: gzip, cells as they are, control A between them by default, a null as backslash N."""
    (url,) = lake.unloaded(f"{PEOPLE} ORDER BY id", f"format = 'TEXTFILE'{more}")
    assert re.fullmatch(rf"{NAME}\.gz", url.rpartition("/")[2])
    rows = [("1", "a@b.example", "de"), ("2", "\\N", "fr"), ("3", 'c, "d"', "de")]
    assert gzip.decompress(lake.read(url)).decode() == "".join(f"{delimiter.join(row)}\n" for row in rows)


def test_json_is_lines_with_gzip(lake: Lake) -> None:
    """JSON is one object a line, compressed with gzip."""
    (url,) = lake.unloaded("SELECT 1 AS id, 'x' AS mail", "format = 'JSON'")
    assert [json.loads(line) for line in gzip.decompress(lake.read(url)).splitlines()] == [{"id": 1, "mail": "x"}]


def test_partitions_are_folders_and_may_be_added_to(lake: Lake) -> None:
    """`partitioned_by` makes a folder of each value of the last column, and adds to those that exist."""
    folder = uuid.uuid4().hex
    urls = lake.unloaded(PEOPLE, "format = 'PARQUET', partitioned_by = ARRAY['country']", folder)
    assert [url.split("/")[-2] for url in urls] == ["country=de", "country=fr"]
    assert pq.ParquetFile(io.BytesIO(lake.read(urls[0]))).schema_arrow.names == ["id", "mail"]
    target = f"s3://{lake.bucket}/{folder}"
    again = f"UNLOAD ({PEOPLE}) TO '{target}' WITH (format = 'JSON', partitioned_by = ARRAY['country'])"
    assert lake.ran(again)["Status"]["State"] == "SUCCEEDED"
    assert len(lake.urls(f"{folder}/")) == 4


def test_a_query_without_rows_writes_an_empty_manifest(lake: Lake) -> None:
    """A result without rows has no file, and a manifest that lists none."""
    assert lake.unloaded(f"{PEOPLE} WHERE id > 3", "format = 'PARQUET'") == []


def test_an_unload_has_no_rows_but_counts_them(lake: Lake) -> None:
    """GetQueryResults has how many rows were written, and only `<id>.metadata` lies beside the manifest."""
    execution = lake.ran(f"UNLOAD ({PEOPLE}) TO 's3://{lake.bucket}/{uuid.uuid4().hex}/' WITH (format = 'JSON');")
    query_id = execution["QueryExecutionId"]
    found = lake.emulator.client("athena").get_query_results(QueryExecutionId=query_id)
    assert (found["UpdateCount"], found["ResultSet"]["Rows"]) == (3, [])
    assert execution["StatementType"] == "DML"
    assert execution["ResultConfiguration"]["OutputLocation"] == f"s3://{lake.results}/results/{query_id}"
    listed = lake.emulator.client("s3").list_objects_v2(Bucket=lake.results, Prefix=f"results/{query_id}")
    assert [one["Key"].rpartition(query_id)[2] for one in listed["Contents"]] == ["-manifest.csv", ".metadata"]


def test_a_folder_that_is_not_empty_is_refused(lake: Lake) -> None:
    """The query fails, and what was in the folder stays as it was."""
    folder = uuid.uuid4().hex
    lake.put(f"{folder}/old", b"old")
    reason = lake.failed(f"UNLOAD ({PEOPLE}) TO 's3://{lake.bucket}/{folder}' WITH (format = 'PARQUET')")
    assert reason.startswith("HIVE_PATH_ALREADY_EXISTS")
    assert lake.urls(f"{folder}/") == [f"s3://{lake.bucket}/{folder}/old"]


@pytest.mark.parametrize(
    ("select", "properties", "reason"),
    [
        (PEOPLE, "compression = 'gzip'", "format must be one of"),
        (PEOPLE, "format = 'CSV'", "format must be one of"),
        (PEOPLE, "format = 'ORC'", "the sandbox does not write ORC"),
        (PEOPLE, "format = 'PARQUET', compression = 'lz4'", "compression of PARQUET"),
        (PEOPLE, "format = 'TEXTFILE', compression = 'zstd'", "compression of TEXTFILE"),
        (PEOPLE, "format = 'TEXTFILE', field_delimiter = '||'", "single character"),
        (PEOPLE, "format = 'JSON', file_size = '1'", "no property file_size"),
        (PEOPLE, "format = 'JSON', partitioned_by = ARRAY['id']", "HIVE_COLUMN_ORDER_MISMATCH"),
        (
            "SELECT x AS a, x AS b FROM range(101) AS t(x)",
            "format = 'JSON', partitioned_by = ARRAY['b']",
            "limit of 100",
        ),
        ("SELECT [1, 2] AS a", "format = 'TEXTFILE'", "no lists or rows"),
        ("SELECT missing FROM orders", "format = 'JSON'", "missing"),
    ],
)
def test_what_cannot_be_written_fails_without_a_file(
    lake: Lake, select: str, properties: str, reason: str
) -> None:
    """A query that cannot be unloaded ends as FAILED with its reason, and leaves the folder empty."""
    folder = uuid.uuid4().hex
    assert reason in lake.failed(f"UNLOAD ({select}) TO 's3://{lake.bucket}/{folder}/' WITH ({properties})")
    assert lake.urls(f"{folder}/") == []


def test_an_unload_into_no_bucket_fails(lake: Lake) -> None:
    """The reason names the bucket that does not exist."""
    assert "no-such" in lake.failed(f"UNLOAD ({PEOPLE}) TO 's3://no-such/f/' WITH (format = 'JSON')")


@pytest.mark.parametrize(
    "query",
    [
        "UNLOAD SELECT 1 TO 's3://b/f/' WITH (format = 'JSON')",
        "UNLOAD (SELECT 1) INTO 's3://b/f/' WITH (format = 'JSON')",
        "UNLOAD (SELECT 1) TO 'b/f/' WITH (format = 'JSON')",
        "UNLOAD (SELECT 1) TO 's3://b/f/'",
        "UNLOAD (SELECT 1) TO 's3://b/f/' WITH (format 'JSON')",
        "UNLOAD (SELECT 1) TO 's3://b/f/' WITH (format = 'JSON') LIMIT 1",
        "UNLOAD (SELECT (1) TO 's3://b/f/' WITH (format = 'JSON'",
    ],
)
def test_a_malformed_unload_begins_no_query(lake: Lake, query: str) -> None:
    """StartQueryExecution refuses what is no UNLOAD, and says what it expected."""
    with pytest.raises(ClientError, match="Expecting") as caught:
        lake.start(query)
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"


def other_text(lake: Lake, token: str) -> str:
    """Use a token for another text."""
    return lake.start("SELECT 2", token)


def other_location(lake: Lake, token: str) -> str:
    """Use a token for another place of the results."""
    return lake.start("SELECT 1", token, "elsewhere/")


def test_a_repeated_request_begins_no_second_query(lake: Lake) -> None:
    """The same token and query answer the first execution's id, also when that one has ended."""
    token, query = (
        uuid.uuid4().hex,
        f"UNLOAD ({PEOPLE}) TO 's3://{lake.bucket}/{uuid.uuid4().hex}/' WITH (format = 'JSON')",
    )
    first, client = lake.start(query, token), lake.emulator.client("athena")
    assert lake.start(query, token) == first
    until(
        lambda: (
            client.get_query_execution(QueryExecutionId=first)["QueryExecution"]["Status"]["State"] == "SUCCEEDED"
        ),
        within_s=30,
    )
    assert lake.start(query, token) == first
    assert lake.start(query, uuid.uuid4().hex) != first


@pytest.mark.parametrize("other", [other_text, other_location])
def test_a_token_belongs_to_one_query(lake: Lake, other: Callable[[Lake, str], str]) -> None:
    """The same token with another text or result location is refused."""
    token = uuid.uuid4().hex
    lake.start("SELECT 1", token)
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        other(lake, token)


def test_a_location_needs_no_slash_at_its_end(lake: Lake) -> None:
    """Results lie in the folder that is named, with or without a slash."""
    query_id, client = lake.start("SELECT 1", location="plain"), lake.emulator.client("athena")
    found = client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["ResultConfiguration"]
    assert found["OutputLocation"] == f"s3://{lake.results}/plain/{query_id}.csv"
