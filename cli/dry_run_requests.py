"""What a dry run would send of a drop's batches: rows, requests and their bytes are counted."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from activation.identifiers.event_rows import untimely
from activation.ledger.units import FIRST_ROWS_KEPT
from activation.model import Audience
from activation.pipeline.batching import Prepared
from activation.pipeline.further import uploads_of
from activation.platforms.limits import Limits
from activation.platforms.platform import Platform
from activation.platforms.publisher import Opened, Publisher
from activation.platforms.upload import Batch, Upload

from cli.dry_run_sums import Found, Sums


@dataclass(frozen=True)
class DryRequests:
    """Counts the requests of batches, which `publisher` would send to an audience within the `limits`.

    `opened` is what the audience is taken to be at the platform.
    """

    platform: Platform
    publisher: Publisher
    limits: Limits
    audience: Audience
    opened: Opened

    def note(self, prepared: Prepared, sums: Sums) -> None:
        """Count the rows of a batch, and the requests that it would be sent with."""
        span = prepared.span
        sums.rows = span.last_row
        sums.mended += span.mended
        sums.by_row += span.by_row
        for code, count in span.rejected.items():
            found = sums.rejected.setdefault(code, Found())
            missing = len(found.first_rows) < FIRST_ROWS_KEPT
            found.add(count, _first_rows(prepared.rejected, code) if missing else ())
        for field_key, codes in span.left_out.items():
            for code, left in codes.items():
                sums.left_out.setdefault((field_key, code), Found()).add(left.cells, left.first_rows)
        if prepared.columns.num_rows:
            sums.people.add_column(self._names(prepared.columns))
            batch = Batch("plan", span.first_row, span.last_row, prepared.columns, prepared.rows)
            sums.batches += 1
            batch = self._timely(batch, sums)
            for upload in uploads_of(self.publisher, batch, prepared.further) if len(batch.rows) else ():
                self._upload(upload, sums)

    def _timely(self, batch: Batch, sums: Sums) -> Batch:
        """Return the batch without the events that would be left out if it were now; count both."""
        events = self.platform.table.events
        late = untimely(events, batch.columns, time.time()) if events else {}
        sums.sent += batch.columns.num_rows - len(late)
        for code in sorted(set(late.values())):
            rows = [batch.rows[line].as_py() for line, found in sorted(late.items()) if found == code]
            sums.rejected.setdefault(code, Found()).add(len(rows), tuple(rows[:FIRST_ROWS_KEPT]))
        if not late:
            return batch
        sent = pa.array([line for line in range(batch.columns.num_rows) if line not in late], pa.int64())
        return replace(batch, columns=batch.columns.take(sent), rows=batch.rows.take(sent))

    def _upload(self, upload: Upload, sums: Sums) -> None:
        """Count an upload's requests: one, or those of its halves if it exceeds the platform's limit."""
        self.limits.check_uploads(sums.uploads + 1)
        size_bytes = self.publisher.encode(upload, self.audience, self.opened).size_bytes
        if upload.lines > 1 and (size_bytes > self.limits.max_bytes or upload.lines > self.limits.max_rows):
            for half in upload.halves():
                self._upload(half, sums)
            return
        sums.uploads += 1
        sums.body_bytes += size_bytes
        sums.identifiers.update(upload.cells)

    def _names(self, columns: pa.Table) -> pa.ChunkedArray:
        """Return one text per row that identifies its person: the first sufficient identifier, else all cells."""
        table = self.platform.table
        alone = {key for _, key in table.singles}
        texts = {name: columns.column(name).cast(pa.string()) for name in columns.schema.names}
        whole = pc.binary_join_element_wise(*texts.values(), "\x1f", null_handling="replace", null_replacement="")
        return pc.coalesce(*(text for name, text in texts.items() if name in alone), whole)


def _first_rows(rejected: pa.Table, code: str) -> tuple[int, ...]:
    """Return the first rows whose first finding is `code`, which is how the counts assign rows to codes."""
    first = rejected.group_by("row", use_threads=False).aggregate([("code", "first")])
    rows = first["row"].filter(pc.equal(first["code_first"], code))
    return tuple(rows.slice(0, FIRST_ROWS_KEPT).to_pylist())
