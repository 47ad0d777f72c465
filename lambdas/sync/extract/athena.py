"""Amazon Athena as a source: one UNLOAD straight into the export's folder, asked after until it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from activation.aws.errors import classify
from activation.drops.row_filters import NO_CONSENT
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.sync.extract.athena_errors import of_call, of_query
from lambdas.sync.extract.athena_statement import ALLOWED, unload_sql
from lambdas.sync.extract.parts import write_parts
from lambdas.sync.extract.postgres import columns_of
from lambdas.sync.source import (
    Destination,
    Extract,
    Part,
    Selection,
    consent_missing,
    not_configured,
    still_running,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

POLL_S = 20.0
_TAIL_BYTES = 64 * 1024
_MAGIC = b"PAR1"
_AFTER_FOOTER = 8  # its length and the magic number: https://parquet.apache.org/docs/file-format/, read 2026-11-30


@dataclass(frozen=True)
class AthenaSource:
    """A lake that people are selected from by queries of a workgroup, in a database of the catalogue.

    `athena` is a client of the service, `s3` one that reads what a query has written.
    """

    athena: Any
    s3: S3Client
    workgroup: str
    database: str

    def extract(self, selection: Selection, into: Destination, deadline: float, token: str) -> Extract:  # noqa: ARG002  the protocol's
        """Begin the query, or find it by its token, and return what it wrote; see Source.extract.

        It ends at once with source_running while the query runs. Files that nobody has consented for hold no
        value, are in no manifest, and are deleted with the export.
        """
        if not into.bucket:
            raise not_configured("Athena writes into S3 alone, so its selection cannot be extracted into a folder")
        columns = columns_of(selection)
        # Of a folder with "=" in its name, the files belong to the export's own: see activation/drops/places.py.
        prefix = f"{into.prefix}query={token}/"
        status = self.status(unload_sql(selection, columns, f"s3://{into.bucket}/{prefix}"), token)["Status"]
        if status["State"] in ("QUEUED", "RUNNING"):
            raise still_running(POLL_S)
        if status["State"] != "SUCCEEDED":
            raise of_query(status, columns, selection.consent)
        written = list(self._written(into, prefix))
        without = sum(part.rows for part in written if f"/{ALLOWED}=0/" in part.key)
        parts = tuple(part for part in written if f"/{ALLOWED}=0/" not in part.key)
        rows = sum(part.rows for part in parts)
        check_allowed(selection, rows, without)
        if not parts:
            parts = write_parts([], pa.schema([(name, pa.string()) for name in columns]), into)
        return Extract(parts, rows + without, {NO_CONSENT: without} if without else {})

    def status(self, statement: str, token: str) -> dict[str, Any]:
        """Begin a query, or find it by its token, and return what Athena says of it; raises as `extract` does."""
        try:
            # The same token never begins a second query, and finds the first one's id:
            # https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html, read 2026-11-30
            begun = self.athena.start_query_execution(
                QueryString=statement,
                ClientRequestToken=token,
                QueryExecutionContext={"Database": self.database},
                WorkGroup=self.workgroup,
            )
            found = self.athena.get_query_execution(QueryExecutionId=begun["QueryExecutionId"])
        except (ClientError, BotoCoreError) as error:
            raise of_call(error) from None
        execution: dict[str, Any] = found["QueryExecution"]
        return execution

    def _written(self, into: Destination, prefix: str) -> Iterator[Part]:
        """Yield the files below a prefix that only this query has written to."""
        try:
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=into.bucket, Prefix=prefix)
            for page in pages:
                for one in page.get("Contents", []):
                    yield Part(one["Key"], one["Size"], self._rows(into.bucket, one["Key"], one["Size"]))
        except (ClientError, BotoCoreError) as error:
            raise classify(error, code="storage") from None

    def _rows(self, bucket: str, key: str, size_bytes: int) -> int:
        """Return the rows of a Parquet file by its footer, without reading the file."""
        tail = self._tail(bucket, key, min(_TAIL_BYTES, size_bytes))
        needed = int.from_bytes(tail[-_AFTER_FOOTER:-4], "little") + _AFTER_FOOTER
        if needed > len(tail):
            tail = self._tail(bucket, key, needed)
        rows: int = pq.read_metadata(pa.BufferReader(_MAGIC + tail[-needed:])).num_rows
        return rows

    def _tail(self, bucket: str, key: str, size_bytes: int) -> bytes:
        with self.s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=-{size_bytes}")["Body"] as body:
            return body.read()


def check_allowed(selection: Selection, rows: int, without: int) -> None:
    """Raise ConfigError (consent_missing) if there are rows, and none with an allowed answer.

    Athena does not say of which type the column is, so that nobody may have been able to say yes.
    """
    if selection.consent and without and not rows:
        raise consent_missing(selection.consent.column, "has an answer of `allow` in no row")
