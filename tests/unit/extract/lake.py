"""A lake in the sandbox's emulator: a workgroup, a database with a table, and the people that queries select."""

from __future__ import annotations

import io
import time
import uuid
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.errors import Retryable

from lambdas.sync.extract.athena import AthenaSource
from lambdas.sync.source import Consent, Extract, Selection
from tests.unit.sandbox.emulator.driver import Emulator

PEOPLE = """
select * from (values
  ('a@b.example', 20, 'yes', date '1990-05-03'), ('c@d.example', 25, ' YES', null),
  ('planted@example.com', 20, 'no', null), (null, 20, null, null)
) as people(email, tenant, agreed, born) where tenant in :tenants -- and: nothing
"""
YES, NEVER, GONE = Consent("agreed", ("Yes",)), Consent("agreed", ("1",)), Consent("gone", ("yes",))
UNRESOLVED = "COLUMN_NOT_FOUND: line 1:8: Column '{}' cannot be resolved"


@dataclass(frozen=True)
class InS3:
    """A destination in a bucket."""

    client: Any
    bucket: str
    prefix: str

    def create(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """Put an object at the end of the block."""

        @contextmanager
        def put() -> Any:
            file = io.BytesIO()
            yield file
            self.client.put_object(Bucket=self.bucket, Key=key, Body=file.getvalue())

        return put()


@dataclass
class Lake:
    """A workgroup, a database with a table, and a bucket for exports."""

    emulator: Emulator
    bucket: str
    workgroup: str
    database: str
    tokens: list[str] = field(default_factory=list)

    def source(self, **other: str) -> AthenaSource:
        """Return the source as the function makes it."""
        client = self.emulator.client
        made = AthenaSource(client("athena"), client("s3"), self.workgroup, self.database)
        return replace(made, **other)  # type: ignore[arg-type]  # the fields that a test gives

    def destination(self, folder: str) -> InS3:
        """Return where an attempt's parts go."""
        return InS3(self.emulator.client("s3"), self.bucket, f"meta/vip/raw/mirror/{folder}/0-")

    def extract(self, asked: Selection, *, token: str = "", **other: str) -> Extract:
        """Extract a selection, asking as often as the function would."""
        token = token or uuid.uuid4().hex
        into, source = self.destination(token), self.source(**other)
        ends = time.monotonic() + 60
        while True:
            try:
                return source.extract(asked, into, time.time() + 60, token)
            except Retryable as running:
                if running.code != "source_running" or time.monotonic() > ends:
                    raise
                time.sleep(0.1)

    def rows(self, extract: Extract) -> list[dict[str, Any]]:
        """Return the rows of all parts, by the first column."""
        found = []
        for part in extract.parts:
            body = self.emulator.client("s3").get_object(Bucket=self.bucket, Key=part.key)["Body"].read()
            assert len(body) == part.size_bytes
            table = pq.ParquetFile(io.BytesIO(body)).read()
            assert table.num_rows == part.rows
            found += table.to_pylist()
        return sorted(found, key=str)


@pytest.fixture(scope="module")
def lake(emulator: Emulator) -> Lake:
    """Make the lake."""
    bucket, results = emulator.bucket(), emulator.bucket()
    database, workgroup = bucket.replace("-", "_"), f"w-{bucket}"
    file = io.BytesIO()
    pq.write_table(pa.table({"email": ["a@b.example", "c@d.example"], "agreed": [True, None]}), file)
    emulator.client("s3").put_object(Bucket=bucket, Key="people/1", Body=file.getvalue())
    glue = emulator.client("glue")
    glue.create_database(DatabaseInput={"Name": database})
    columns = [{"Name": "email", "Type": "string"}, {"Name": "agreed", "Type": "boolean"}]
    storage = {"Location": f"s3://{bucket}/people/", "Columns": columns}
    table = {"Name": "people", "StorageDescriptor": storage, "Parameters": {"classification": "parquet"}}
    glue.create_table(DatabaseName=database, TableInput=table)
    emulator.client("athena").create_work_group(
        Name=workgroup,
        Configuration={
            "ResultConfiguration": {"OutputLocation": f"s3://{results}/"},
            "EnforceWorkGroupConfiguration": True,
        },
    )
    return Lake(emulator, bucket, workgroup, database)
