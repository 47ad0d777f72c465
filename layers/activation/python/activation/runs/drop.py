"""The drop of a run: opened once, its columns mapped, scanned when it is hashed, and cut into batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from activation.drops.chunk import Chunk, DropReader
from activation.drops.columns import MappedColumns, map_columns
from activation.drops.date_orders import with_date_order
from activation.drops.folder_reader import FolderReader
from activation.drops.plaintext_scan import screen
from activation.drops.ranges import Piece, piece_chunks
from activation.drops.row_filters import RowFilter, asks_in_vain, row_filters
from activation.drops.row_looks import refuse_unsaid
from activation.drops.sample import Sample, lookalikes, take_sample
from activation.errors import Rejected
from activation.model import Cursor
from activation.pipeline.batching import Batcher, Prepared
from activation.pipeline.client import OutOfTime
from activation.report.rejects import Rejects
from activation.report.warnings import refuse_weak
from activation.runs.invocation import Invocation
from activation.runs.opening import open_run


@dataclass(frozen=True)
class RunDrop:
    """An open drop, or a piece of it.

    `invocation` is what reads it, `reader` yields its rows, `mapped` are the fields that its columns fill. `piece`
    is the part's own, None for the whole drop. `filters` take out rows that may not be sent.
    """

    invocation: Invocation
    reader: DropReader
    mapped: MappedColumns
    piece: Piece | None = None
    filters: tuple[RowFilter, ...] = ()

    @classmethod
    def open(cls, invocation: Invocation, piece: Piece | None = None) -> RunDrop:
        """Open the drop and map its columns to fields, noting both in the plan; raises what the reader raises."""
        progress, connector, kind = invocation.held.run.progress, invocation.connector, invocation.located.kind
        opened = open_run(invocation)
        reader, reading = opened.reader, opened.reading
        context = reading.context
        action = invocation.located.audience.action
        filters = row_filters(reading, reader.header, kind, action)
        mapped = map_columns(
            connector.platform.table,
            reader.header,
            kind,
            reading.own_columns,
            reader.nested,
            settings=reading.columns,
            looks=lambda unused: lookalikes(reader, unused, kind, connector.platform.table, context),
            ruled={index: one.setting for one in filters for index in one.indexes},
        )
        if progress.plan.reading is None:  # later invocations and the parts read dates as the first one does
            reading = with_date_order(reading, reader, mapped.columns, hashed=kind.hashed)
        with invocation.held.lock:
            progress.plan.etag, progress.plan.format = opened.etag, reader.format
            progress.plan.reading = reading
            progress.plan.columns, progress.plan.ignored_columns = dict(mapped.used), list(mapped.ignored)
            progress.plan.proposed_columns = dict(mapped.proposed)
        if invocation.is_untouched:
            platform = connector.platform
            sample = take_sample(
                reader,
                mapped,
                kind,
                platform.table,
                reading.context,
                ignored=mapped.told_ignored,
                asks_in_vain=asks_in_vain(reading, reader.header, kind, action),
            )
            with invocation.held.lock:
                progress.plan.sample = sample
            _judge(invocation, sample)
        return cls(invocation, reader, mapped, piece, filters)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the fields that the columns fill, as wire keys in their order on the wire."""
        return tuple(field.key for _, field in self.mapped.fields)

    @property
    def rejects(self) -> Rejects:
        """Return the run's rejects; those of a folder name the file that holds a row."""
        reader = self.reader
        if not isinstance(reader, FolderReader):
            return self.invocation.rejects

        def place(row: int) -> tuple[str, int]:
            index, in_file = reader.place(row)
            return reader.files.name(index), in_file

        return self.invocation.rejects.placed(place)

    def batches(self) -> Iterator[Prepared]:
        """Return the batches of what is left, read as they are asked for; raises what the reader raises."""
        connector, checkpoint = self.invocation.connector, self.invocation.held.run.progress.checkpoint
        batcher = Batcher(
            table=connector.platform.table,
            fields=self.mapped.fields,
            context=self.invocation.reading.context,
            hashed=self.invocation.located.kind.hashed,
            max_rows=connector.limits.rows_of(field for _, field in self.mapped.fields),
            several=self.mapped.several,
            filters=self.filters,
            ignored=self.mapped.told_ignored,
            place=self.reader.place if isinstance(self.reader, FolderReader) else None,
        )
        chunks = self._chunks(checkpoint.cursor)
        return batcher.spans(chunks, checkpoint.cursor, frozenset(checkpoint.ahead))

    def scan(self) -> None:
        """Scan what is left of a hashed drop for plaintext values; does nothing for any other.

        Raises OutOfTime when the scan needs another invocation, and what the scan raises for a plaintext value.
        """
        held, checkpoint = self.invocation.held, self.invocation.held.run.progress.checkpoint
        if checkpoint.scanned_whole or not self.invocation.located.kind.hashed:
            return
        reached, whole = screen(
            self._chunks(checkpoint.scanned),
            checkpoint.scanned,
            fields=self.mapped.columns,
            context=self.invocation.reading.context,
            may_go_on=self.invocation.keep_and_may_go_on,
        )
        with held.lock:
            checkpoint.scanned, checkpoint.scanned_whole = reached, whole
            held.save()
        if not whole:
            raise OutOfTime("out_of_time", "the drop is still being scanned for plaintext values", after_s=1)

    def _chunks(self, start: Cursor) -> Iterator[Chunk]:
        return self.reader.chunks(start) if self.piece is None else piece_chunks(self.reader, self.piece, start)


def _judge(invocation: Invocation, sample: Sample) -> None:
    """Raise Rejected for a drop that is not to be sent as it is.

    Its reading is forgotten then: a redrive reads the settings as they are once they were corrected.
    """
    try:
        refuse_unsaid(sample.unsaid, invocation.located.audience.action)
        if not invocation.connector.settings.allow_weak:
            refuse_weak(sample)
    except Rejected:
        with invocation.held.lock:
            invocation.held.run.progress.plan.reading = None
        raise
