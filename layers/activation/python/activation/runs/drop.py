"""The drop of a run: opened once, its columns mapped, scanned when it is hashed, and cut into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import pyarrow as pa

from activation.drops.chunk import Chunk, DropReader
from activation.drops.columns import MappedColumns, map_columns
from activation.drops.date_orders import with_date_order
from activation.drops.folder_manifest import refuse_other_platform
from activation.drops.folder_reader import FolderReader
from activation.drops.ranges import Piece, piece_chunks
from activation.drops.row_filters import RowFilter, asks_in_vain, row_filters
from activation.drops.row_looks import refuse_unsaid
from activation.drops.sample import Sample
from activation.drops.sampling import lookalikes, take_sample
from activation.errors import Rejected
from activation.identifiers.needed import identifies_alone
from activation.identifiers.refused import Refused, new_key
from activation.ledger.file_plan import FilePlan
from activation.model import Cursor
from activation.pipeline.batching import Batcher, Prepared
from activation.pipeline.client import OutOfTime
from activation.pipeline.identified import flat
from activation.pipeline.other_people import OtherPeople
from activation.pipeline.refusals import Refusal
from activation.pipeline.repeats import EVENT_IDS, Repeats
from activation.pipeline.scanning import narrowed, scan
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
        if invocation.listing and invocation.listing.reading:
            refuse_other_platform(invocation.listing.reading.platform, connector.platform.name)
        opened = open_run(invocation)
        reader, reading = opened.reader, opened.reading
        context = reading.context
        action = invocation.located.audience.action
        in_order = not isinstance(reader, FolderReader)
        filters = row_filters(reading, reader.header, kind, action, in_order=in_order)
        mapped = map_columns(
            invocation.table,
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
            if invocation.is_of_events or any(one.reaches for one in filters):
                progress.plan.refused_key = progress.plan.refused_key or new_key()
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

    @property
    def rejects_of_unread(self) -> Rejects:
        """Return the run's rejects, for rows that this invocation has not read.

        The rows of a folder's files are counted once the platform refuses one by its number, which few do.
        """
        reader, lock = self.reader, Lock()
        if not isinstance(reader, FolderReader):
            return self.invocation.rejects
        counted: list[bool] = []

        def place(row: int) -> tuple[str, int]:
            with lock:
                if not counted:
                    for _ in reader.chunks(Cursor()):
                        self.invocation.keep_and_may_go_on()
                    counted.append(True)
            index, in_file = reader.place(row)
            return reader.files.name(index), in_file

        return self.invocation.rejects.placed(place)

    def batches(self) -> Iterator[Prepared]:
        """Return the batches of what is left, read as they are asked for; raises what the reader raises.

        Raises Rejected with refused_gone where the set of refused identifiers is no longer there.
        """
        checkpoint, key = self.invocation.held.run.progress.checkpoint, self._plan.refused_key
        reaching = [one for one in self.filters if one.reaches]
        batcher = self._batcher(
            [Refusal(one, self.invocation.refused.whole(one.setting), key) for one in reaching]
        )
        if others := other_people(self.invocation):
            batcher = replace(batcher, others=others)
        if self.invocation.is_of_events:
            batcher = replace(batcher, repeats=Repeats(key, self.invocation.refused.whole(EVENT_IDS)))
        chunks = self._chunks(checkpoint.cursor)
        return batcher.spans(chunks, checkpoint.cursor, frozenset(checkpoint.ahead))

    def identifiers(self, start: Cursor) -> Iterator[tuple[Cursor, list[pa.Array]]]:
        """Yield, chunk by chunk after `start`, the cursor after it and what it would be sent with.

        That is only what is one person's by itself, in arrays of texts with nulls. A row to which another row of
        the drop says no counts as sent: the sets that tell are deleted when a run ends.
        """
        batcher = self._batcher()
        for chunk in self._chunks(start):
            one = batcher.identify(chunk)
            lines = [one.columns, *(further.columns for further in one.further)]
            found = [
                flat(each.column(key))
                for each in lines
                for key in each.schema.names
                if identifies_alone(batcher.table.field(key))
            ]
            yield chunk.cursor_after(chunk.first_row + chunk.row_count - 1), found

    def _batcher(self, refusals: Sequence[Refusal] = ()) -> Batcher:
        connector = self.invocation.connector
        return Batcher(
            table=self.invocation.table,
            fields=self.mapped.fields,
            context=self.invocation.reading.context,
            hashed=self.invocation.located.kind.hashed,
            max_rows=connector.limits.rows_of(field for _, field in self.mapped.fields),
            several=self.mapped.several,
            filters=self.filters,
            ignored=self.mapped.told_ignored,
            place=self.reader.place if isinstance(self.reader, FolderReader) else None,
            refusals=refusals,
            drop_id=self.invocation.drop_id if self.invocation.is_of_events else "",
        )

    def scan(self) -> None:
        """Read what is left of a drop that is read whole before it is sent; does nothing for any other.

        That is a hashed one, which is scanned for plaintext values, one whose rows may refuse others, and one
        whose uploads form a session: a file that breaks off must not begin a session that it cannot end. What the
        scan gathers is kept: as pieces by a part, and as a whole by the only worker of a drop. Raises OutOfTime
        when the scan needs another invocation, and what the scan raises.
        """
        held, checkpoint = self.invocation.held, self.invocation.held.run.progress.checkpoint
        if checkpoint.scanned_whole or not self.invocation.scans:
            return
        if self._plan.refused_key:
            with held.lock:
                held.save()  # before anything is kept under the key
        kept: list[str] = []

        def keep(setting: str, first_row: int, last_row: int, refused: Refused) -> None:
            kept.append(self.invocation.refused.keep(setting, first_row, last_row, refused))
            self.invocation.keep_and_may_go_on()

        narrow = replace(self, reader=narrowed(self.reader, self._batcher()))
        reached, whole = scan(
            narrow._chunks(checkpoint.scanned),
            checkpoint.scanned,
            self._batcher(),
            self.mapped.columns,
            key=self._plan.refused_key,
            keep=keep,
            may_go_on=self.invocation.keep_and_may_go_on,
        )
        if whole and self.piece is None:
            self.invocation.refused.put_together(self.invocation.reaching, [*checkpoint.refused, *kept])
        with held.lock:
            checkpoint.scanned, checkpoint.scanned_whole = reached, whole
            checkpoint.refused += kept
            held.save()
        if not whole:
            raise OutOfTime("out_of_time", "the drop is still being read before anything is sent", after_s=1)

    @property
    def _plan(self) -> FilePlan:
        return self.invocation.held.run.progress.plan

    def _chunks(self, start: Cursor) -> Iterator[Chunk]:
        return self.reader.chunks(start) if self.piece is None else piece_chunks(self.reader, self.piece, start)


def other_people(invocation: Invocation) -> OtherPeople | None:
    """Return whom an undo leaves out, None for any other run and where there is nobody to leave out.

    Raises Rejected with refused_gone where the set is no longer there.
    """
    progress = invocation.held.run.progress
    if progress.compared is None or not progress.compared.kept:
        return None
    return OtherPeople(invocation.refused.whole(progress.compared.kept), progress.plan.refused_key)


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
