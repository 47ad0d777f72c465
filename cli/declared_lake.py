"""Athena as a source for a plan: the selection is read to this machine, and the lake is left as it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from activation.aws.errors import code_of
from activation.drops.row_filters import NO_CONSENT
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.sync.extract.athena import AthenaSource, check_allowed
from lambdas.sync.extract.athena_errors import of_call, of_query
from lambdas.sync.extract.athena_statement import texts_sql
from lambdas.sync.extract.parts import write_parts
from lambdas.sync.extract.postgres import columns_of
from lambdas.sync.source import Destination, Extract, Selection, unreachable

POLL_S = 1.0


@dataclass(frozen=True)
class LakeReader:
    """A lake whose selections are read as results of a SELECT, a page of 1,000 rows at a time.

    Athena keeps the results where the workgroup keeps those of any query. `sleep` and `clock` are in seconds.
    """

    source: AthenaSource
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.time)

    def extract(self, selection: Selection, into: Destination, deadline: float, token: str) -> Extract:
        """Write the selected people into parts: see lambdas.sync.source.Source.extract; it waits for the query."""
        columns = columns_of(selection)
        execution = self._ended(texts_sql(selection, columns), token, deadline)
        if execution["Status"]["State"] != "SUCCEEDED":
            raise of_query(execution["Status"], columns, selection.consent)
        schema, without = pa.schema([(name, pa.string()) for name in columns]), 0

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal without
            for page in self._pages(execution["QueryExecutionId"]):
                allowed = [row for row in page if selection.consent is None or row[-1] == "1"]
                without += len(page) - len(allowed)
                cells = [[row[place] for row in allowed] for place in range(len(columns))]
                yield pa.record_batch([pa.array(column, pa.string()) for column in cells], schema=schema)

        parts = write_parts(batches(), schema, into)
        rows = sum(part.rows for part in parts)
        check_allowed(selection, rows, without)
        return Extract(parts, rows + without, {NO_CONSENT: without} if without else {})

    def _ended(self, statement: str, token: str, deadline: float) -> dict[str, Any]:
        """Return what Athena says of a query that has ended; one that is not waited for any longer is stopped."""
        query_id = ""
        try:
            while (execution := self.source.status(statement, token))["Status"]["State"] in ("QUEUED", "RUNNING"):
                query_id = execution["QueryExecutionId"]
                if self.clock() + POLL_S >= deadline:
                    raise unreachable("the query did not end in time")
                self.sleep(POLL_S)
        except BaseException:  # Ctrl-C as well: a query that goes on costs money
            if query_id:
                self._stop(query_id)
            raise
        return execution

    def _stop(self, query_id: str) -> None:
        """Stop a query, or say that it goes on; what ended the plan is told by the caller."""
        try:
            self.source.athena.stop_query_execution(QueryExecutionId=query_id)
        except (ClientError, BotoCoreError) as error:
            code = code_of(error) if isinstance(error, ClientError) else type(error).__name__
            print(f"query {query_id} goes on, it cannot be stopped: {code}", file=sys.stderr)

    def _pages(self, query_id: str) -> Iterator[list[list[Any]]]:
        """Yield the rows of a query's result, None for a null; the first row of the first page has the names.

        https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html, read 2026-11-30
        """
        try:
            first = 1
            for page in self.source.athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id):
                rows = page["ResultSet"]["Rows"][first:]
                yield [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows]
                first = 0
        except (ClientError, BotoCoreError) as error:
            raise of_call(error) from None
