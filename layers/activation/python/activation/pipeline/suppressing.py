"""Suppressed people kept out of what is sent: rows and cells taken out of an upload when it is about to be sent.

Where a batch ends, and which of its rows are in which upload, depends on the drop alone; the lists are asked last,
by each upload for all the lines of its batch. So a list that grows while a run sends, a run that resumes and a
batch that is sent again move no row into another request and count no row twice, and a person on the list is in no
request that begins after the list was accepted.

A row that holds a listed identifier is taken out whole, with its further lines: nobody who said no may be reached
by another cell of the same row. With `keep_phones`, a row in which nothing but phones is listed stays, without
these phones, if it has another identifier. Requests that remove people are never asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_hex
from threading import Lock
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from activation.errors import Retryable
from activation.identifiers.codes import Code
from activation.identifiers.headers import Meaning
from activation.identifiers.needed import identifies_alone
from activation.identifiers.table import Field, FieldTable
from activation.ledger.units import FIRST_ROWS_KEPT, LeftOut, LeftOutCells, add_left_out
from activation.pipeline.batching import Prepared
from activation.pipeline.findings import of_rows
from activation.pipeline.further import Lines
from activation.pipeline.other_lines import OtherLines
from activation.platforms.upload import Upload
from activation.suppression.listed import Listed

_VERDICTS_KEPT = 16  # batches whose uploads may be in flight at once
_NO_ROWS = pa.array([], pa.int64())

LinesOfBatch = Sequence[tuple[pa.Table | pa.RecordBatch, pa.Array]]


@dataclass(frozen=True)
class Verdict:
    """What of a batch is suppressed: the source rows (int64) taken out whole, and whether phones of others are."""

    rows: pa.Array = field(default_factory=lambda: _NO_ROWS)
    phones: bool = False

    def __bool__(self) -> bool:
        return bool(len(self.rows)) or self.phones


@dataclass(frozen=True)
class Withheld:
    """What of an upload is not sent.

    `version` is that of the lists that were asked. `columns` are the upload's lines with the cells blank that
    are taken out, `lines` those taken out whole, each with its code, `empty` those that have no cell left although
    their rows are sent. `left_out` counts the cells.
    """

    columns: pa.Table | pa.RecordBatch = field(repr=False)
    version: int = 0
    lines: Mapping[int, str] = field(default_factory=dict)
    empty: frozenset[int] = frozenset()
    left_out: LeftOutCells = field(default_factory=dict)


@dataclass(frozen=True)
class Suppression:
    """Asks the lists for the uploads of one run.

    `table` are the platform's fields. `current` returns the lists' version and what they hold for the platform;
    what it raises stops the upload. `keep_phones` says that a row with nothing listed but phones is sent without
    them. `others` are further lines of the rows that are sent, None where a batch has all lines of its rows.
    """

    table: FieldTable
    current: Callable[[], tuple[int, Listed]]
    keep_phones: bool = False
    others: OtherLines | None = None
    _verdicts: dict[int, tuple[int, Verdict]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def withheld(self, upload: Upload) -> Withheld:
        """Return what of an upload is not sent, by the lists as they are now; raises what `current` raises."""
        version, listed = self.current()
        with self._lock:  # one thread for each batch's verdict; the others have it from there
            verdict = self._verdict(upload, version, listed)
        if not verdict:
            return Withheld(upload.columns, version)
        gone = _all_in(upload.rows, verdict.rows)
        columns, left_out, empty = upload.columns, LeftOutCells(), pa.repeat(pa.scalar(False), len(gone))
        if verdict.phones:
            columns, left_out, empty = self._without_phones(columns, upload.rows, gone, listed)
        taken = dict.fromkeys(pc.indices_nonzero(gone).to_pylist(), Code.SUPPRESSED.value)
        return Withheld(columns, version, taken, frozenset(pc.indices_nonzero(empty).to_pylist()), left_out)

    def check(self, version: int) -> None:
        """Raise Retryable with suppressions_changed where the lists have changed since an upload was made."""
        if self.current()[0] != version:
            raise Retryable(
                "suppressions_changed", "the suppression lists have changed; what is left is made anew", after_s=1
            )

    def nobody(self, upload: Upload) -> Upload:
        """Return an upload in place of another one, with one line that is nobody's: random, in one field.

        A session of uploads ends with its last one, which therefore cannot be left out.
        """
        names = upload.columns.schema.names
        one = next(one for one in map(self.table.field, names) if identifies_alone(one))
        cell = token_hex(one.digest.width // 2) if one.digest.width else str(uuid4())
        blank = {name: pa.array([cell if name == one.key else None], pa.string()) for name in names}
        return replace(upload, columns=pa.table(blank), rows=upload.rows.slice(0, 1))

    def prepared(self, prepared: Prepared) -> Prepared:
        """Return a span without what is suppressed now: what a mirror may hold; raises what `current` raises."""
        if not prepared.columns.num_rows:
            return prepared
        _, listed = self.current()
        parts = [(prepared.columns, prepared.rows), *((one.columns, one.rows) for one in prepared.further)]
        verdict = self._judge(parts, listed)
        if not verdict:
            return prepared
        kept, left_out = [], LeftOutCells()
        for given, rows in parts:
            columns, gone = given, _all_in(rows, verdict.rows)
            if verdict.phones:
                columns, cells, empty = self._without_phones(columns, rows, gone, listed)
                add_left_out(left_out, cells)
                gone = pc.or_(gone, empty)
            stays = pc.invert(gone)
            kept.append(Lines(columns.filter(stays), rows.filter(stays)))
        span = prepared.span
        rejected = {**span.rejected}
        if len(verdict.rows):
            rejected[Code.SUPPRESSED.value] = rejected.get(Code.SUPPRESSED.value, 0) + len(verdict.rows)
        cells_out: LeftOutCells = {key: dict(codes) for key, codes in span.left_out.items()}
        add_left_out(cells_out, left_out)
        findings = pa.concat_tables([prepared.rejected, of_rows(verdict.rows, Code.SUPPRESSED.value)])
        return Prepared(
            replace(span, rejected=rejected, left_out=cells_out),
            _as_table(kept[0].columns),
            kept[0].rows,
            findings.sort_by("row"),
            tuple(one for one in kept[1:] if len(one.rows)),
        )

    def _verdict(self, upload: Upload, version: int, listed: Listed) -> Verdict:
        """Return what of the upload's batch is suppressed; it is judged once for each version of the lists."""
        known = self._verdicts.get(upload.first_row)
        if known is not None and known[0] == version:
            return known[1]
        parts = upload.of_batch or ((upload.columns, upload.rows),)
        verdict = self._judge(parts, listed)
        if self.others is not None:
            elsewhere = self.others.rows_of(version, lambda lines: _distinct(self._found(*lines, listed)[0]))
            rows = [_flat(one.filter(pc.is_in(one, value_set=elsewhere))) for _, one in parts]
            verdict = replace(verdict, rows=_distinct([verdict.rows, *rows]))
        self._verdicts[upload.first_row] = (version, verdict)
        while len(self._verdicts) > _VERDICTS_KEPT:
            self._verdicts.pop(min(self._verdicts))
        return verdict

    def _judge(self, parts: LinesOfBatch, listed: Listed) -> Verdict:
        if not len(listed):
            return Verdict()
        found: list[pa.Array] = []
        phones: list[pa.Array] = []
        for columns, rows in parts:
            whole, alone = self._found(columns, rows, listed)
            found, phones = [*found, *whole], [*phones, *alone]
        if not phones:
            return Verdict(_distinct(found)) if found else Verdict()
        of_phones = _distinct(phones)
        lone = of_phones.filter(pc.invert(pc.is_in(of_phones, value_set=self._with_others(parts, listed))))
        return Verdict(_distinct([*found, lone]), phones=True)

    def _found(
        self, columns: pa.Table | pa.RecordBatch, rows: pa.Array, listed: Listed
    ) -> tuple[list[pa.Array], list[pa.Array]]:
        """Return the rows that a listed identifier takes out whole, and those with a phone to leave out alone."""
        found: list[pa.Array] = []
        phones: list[pa.Array] = []
        asked = list(_cells(self.table, columns))
        answers = listed.rows_of([(one.digest, cells) for one, _, cells in asked])
        for (one, begin, _), places in zip(asked, answers, strict=True):
            if places is None:
                continue
            taken = _flat(rows.take(pc.add(places, pa.scalar(begin, pa.int64()))))
            (phones if self.keep_phones and _is_phone(one) else found).append(taken)
        return found, phones

    def _with_others(self, parts: LinesOfBatch, listed: Listed) -> pa.Array:
        """Return the source rows that have an identifier besides the phones that are listed."""
        rows_found = [_NO_ROWS]
        for columns, rows in parts:
            for one, begin, cells in _cells(self.table, columns):
                has = pc.is_valid(cells)
                if _is_phone(one):
                    has = pc.and_not(has, _listed(listed, one, cells))
                rows_found.append(_flat(rows.slice(begin, len(cells)).filter(has)))
        return _distinct(rows_found)

    def _without_phones(
        self, columns: pa.Table | pa.RecordBatch, rows: pa.Array, gone: pa.Array, listed: Listed
    ) -> tuple[pa.Table, LeftOutCells, pa.Array]:
        """Return the columns without listed phones, the cells counted, and the lines that have nothing left.

        Lines that are `gone` anyway are neither counted nor among those with nothing left.
        """
        table, left_out, lost = _as_table(columns), LeftOutCells(), pa.repeat(pa.scalar(False), len(gone))
        for place, name in enumerate(table.schema.names):
            one = self.table.field(name)
            if not _is_phone(one):
                continue
            column = table.column(name)
            masks = [_listed(listed, one, chunk) for chunk in column.chunks]
            mask = pc.and_not(pa.concat_arrays([pa.array([], pa.bool_()), *masks]), gone)
            if not pc.any(mask, min_count=0).as_py():
                continue
            lost = pc.or_(lost, mask)
            table = table.set_column(place, name, pc.if_else(mask, pa.scalar(None, column.type), column))
            counted = _flat(rows.filter(mask))
            out = LeftOut(len(counted), tuple(counted.slice(0, FIRST_ROWS_KEPT).to_pylist()))
            left_out[name] = {Code.SUPPRESSED_PHONE.value: out}
        return table, left_out, pc.and_(lost, self._blank(table, len(gone)))

    def _blank(self, columns: pa.Table | pa.RecordBatch, count: int) -> pa.Array:
        """Mask the lines without any cell by which a platform finds somebody."""
        filled = pa.repeat(pa.scalar(False), count)
        for name in columns.schema.names:
            column = columns.column(name)
            flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            if self.table.field(name).identifies:
                filled = pc.or_(filled, pc.is_valid(flat))
        return pc.invert(filled)


def _cells(table: FieldTable, columns: pa.Table | pa.RecordBatch) -> Iterable[tuple[Field, int, pa.Array]]:
    """Yield the columns whose cells are one person's each, in pieces with the index of their first line."""
    for name in columns.schema.names:
        one = table.field(name)
        if not identifies_alone(one):
            continue
        column, begin = columns.column(name), 0
        for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else (column,):
            if chunk.null_count < len(chunk):
                yield one, begin, chunk
            begin += len(chunk)


def _is_phone(one: Field) -> bool:
    return Meaning.PHONE in one.means


def _all_in(rows: pa.Array, suppressed: pa.Array) -> pa.Array:
    """Mask the lines all of whose source rows are suppressed; `rows` is as in an Upload."""
    rows = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
    if not len(suppressed):
        return pa.repeat(pa.scalar(False), len(rows))
    if not pa.types.is_list(rows.type):
        return pc.is_in(rows, value_set=suppressed)
    stays = pc.indices_nonzero(pc.invert(pc.is_in(rows.flatten(), value_set=suppressed)))
    kept = pc.list_parent_indices(rows).take(stays)
    return pc.invert(_mask(kept.cast(pa.int64()), len(rows)))


def _mask(places: pa.Array | None, count: int) -> pa.Array:
    """Return a mask of `count` lines that is true at some places."""
    if places is None or not len(places):
        return pa.repeat(pa.scalar(False), count)
    marks = bytearray(count)
    for place in places.to_pylist():
        marks[place] = 1
    return pa.Array.from_buffers(pa.uint8(), count, [None, pa.py_buffer(marks)]).cast(pa.bool_())


def _listed(listed: Listed, one: Field, cells: pa.Array) -> pa.Array:
    """Mask the cells of a field's column that are listed."""
    return _mask(listed.rows_of([(one.digest, cells)])[0], len(cells))


def _flat(rows: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return source rows as one array, also where a line carries several."""
    whole = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
    return whole.flatten() if pa.types.is_list(whole.type) else whole


def _distinct(parts: Sequence[pa.Array]) -> pa.Array:
    rows = pc.unique(pa.concat_arrays([_NO_ROWS, *parts]))
    return rows.take(pc.array_sort_indices(rows))


def _as_table(columns: pa.Table | pa.RecordBatch) -> pa.Table:
    return columns if isinstance(columns, pa.Table) else pa.Table.from_batches([columns])
