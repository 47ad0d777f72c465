"""PostgreSQL as a source: one SELECT, one snapshot, streamed by ADBC into Parquet parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from lambdas.sync.extract.column_forms import column_forms
from lambdas.sync.extract.consent import ConsentFilter
from lambdas.sync.extract.parts import PART_BYTES, write_parts
from lambdas.sync.extract.postgres_access import PostgresAccess
from lambdas.sync.extract.postgres_session import Secret, session
from lambdas.sync.extract.postgres_statement import extraction_sql, selection_sql
from lambdas.sync.extract.until import until
from lambdas.sync.source import Destination, Extract, Selection


@dataclass
class _Rows:
    """The rows that a source returned, counted."""

    number: int = 0

    def count(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self.number += batch.num_rows
        return batch


@dataclass(frozen=True)
class PostgresSource:
    """A PostgreSQL that people are selected from, in a read-only transaction."""

    access: PostgresAccess
    secret: Secret | None
    part_bytes: int = PART_BYTES
    clock: Callable[[], float] = field(default=time.time)

    def extract(self, selection: Selection, into: Destination, deadline: float, token: str) -> Extract:  # noqa: ARG002  the protocol's
        """Write the selected people into parts, see Source.extract; `token` is not needed, as nothing goes on."""
        rows, keep = _Rows(), ConsentFilter(selection.consent, {})
        read = until(deadline, lambda: self._read(selection, deadline), clock=self.clock)
        batches = (keep(rows.count(batch)) for batch in read)
        schema = pa.schema([(name, pa.string()) for name in columns_of(selection)])
        parts = write_parts(batches, schema, into, part_bytes=self.part_bytes)
        return Extract(parts, rows.number, keep.left_out)

    def _read(self, selection: Selection, deadline: float) -> Iterator[pa.RecordBatch]:
        with session(self.access, self.secret, timeout_s=deadline - self.clock()) as opened:
            sql = selection_sql(opened, selection)
            names = [name for name, _ in selection.columns]
            forms = column_forms(opened, sql, names, selection.consent)
            yield from opened.batches(extraction_sql(sql, forms, selection.consent))


def columns_of(selection: Selection) -> list[str]:
    """Return the names of an extraction's columns: the selection's, and that of consent."""
    names = [name for name, _ in selection.columns]
    consent = selection.consent
    return [*names, *([consent.column] if consent and consent.column not in names else [])]
