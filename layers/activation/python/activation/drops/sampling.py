"""Judge the first rows of a drop before anything is sent: what its columns hold, whether rows repeat."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.c3r import encrypted, looks_encrypted
from activation.drops.chunk import DropReader
from activation.drops.columns import MappedColumns, shown_name
from activation.drops.looks import has_country_code, like_mail, like_phones
from activation.drops.row_looks import unsaid_columns
from activation.drops.sample import MAIL, PHONE, SAMPLE_ROWS, Sample, Unsaid
from activation.drops.telling_names import telling
from activation.errors import Rejected
from activation.identifiers.declared import looks_hashed
from activation.identifiers.emails import Email
from activation.identifiers.identify import identify
from activation.identifiers.phones import Phone
from activation.identifiers.row_country import countries_of_rows, names_country
from activation.identifiers.table import Context, Field, FieldTable
from activation.model import Cursor, Kind

SAMPLE_BYTES = 1024 * 1024  # of further chunks, no more are taken
LOOKED_AT = 200  # filled cells of a column: enough to tell its kind, and few enough to be looked at one by one
FILLED_SHARE = 0.05  # a column that fewer rows fill holds something only now and then
REPEATS_SHARE = 0.95
LISTED = 20  # columns; the record of the run is written with every batch


def take_sample(
    reader: DropReader,
    mapped: MappedColumns,
    kind: Kind,
    table: FieldTable,
    context: Context,
    *,
    ignored: Collection[int] = (),
    asks_in_vain: bool = False,
) -> Sample:
    """Look at the first rows of a drop; raises Rejected (c3r_encrypted), and Retryable when the storage fails.

    `ignored` are the indexes of the columns that the settings tell to ignore: they are not judged.
    What is wrong with the file itself is left to its reading: a sample of it is empty.
    """
    batch, whole = _first_rows(reader)
    fields = tuple(dict.fromkeys(one.key for _, one in mapped.fields))
    alone = {key for _, key in table.singles}
    strong = [(index, one) for index, one in mapped.columns if one.key in alone]
    weak = kind.single is None and bool(alone) and not strong
    if batch is None:
        return Sample(fields=fields, weak=weak)
    if sealed := [index for index, _ in mapped.columns if looks_encrypted(_filled(batch.column(index))[1])]:
        raise encrypted(shown_name(_name(reader.header, index), index) for index in dict.fromkeys(sealed))
    phones, bare = (0, 0) if kind.hashed or context.default_country else _bare_phones(batch, mapped)
    judge = _Judge(kind, table, context)
    names = _names(batch, strong, judge) if strong else _whole_rows(batch, mapped.columns)
    return Sample(
        rows=batch.num_rows,
        fields=fields,
        weak=weak,
        lookalikes={} if kind.single else _lookalikes(batch, reader.header, mapped, judge, ignored),
        phones=phones,
        bare=bare,
        named=len(names) - names.null_count,
        people=pc.count_distinct(names, mode="only_valid").as_py(),
        unsaid=_unsaid(batch, reader.header, kind, mapped, whole=whole),
        asks_in_vain=asks_in_vain,
    )


def _name(header: Sequence[str], index: int) -> str:
    """Return a column's name, "" in a list, which has no header."""
    return header[index] if index < len(header) else ""


def lookalikes(
    reader: DropReader, mapped: MappedColumns, kind: Kind, table: FieldTable, context: Context
) -> dict[str, str]:
    """Return the unused columns that look like identifiers, as in Sample; raises as `take_sample` does."""
    batch, _ = _first_rows(reader)
    if batch is None:
        return {}
    return _lookalikes(batch, reader.header, mapped, _Judge(kind, table, context), mapped.told_ignored)


def unsaid_of(reader: DropReader, said: Collection[int]) -> Unsaid:
    """Return the columns that seem to say whether a row may be used, without those `said` by their indexes."""
    batch, whole = _first_rows(reader)
    return Unsaid() if batch is None else unsaid_columns(batch, reader.header, said, whole=whole)


def _first_rows(reader: DropReader) -> tuple[pa.RecordBatch | None, bool]:
    """Return the rows of the first chunk, of several where files are short, and whether they are all."""
    first: list[pa.RecordBatch] = []
    rows, size_bytes, whole = 0, 0, True
    try:
        chunks = reader.chunks(Cursor())
        with closing(chunks):  # type: ignore[type-var] # every reader's is a generator
            for chunk in chunks:
                if rows >= SAMPLE_ROWS or size_bytes > SAMPLE_BYTES or (first and not chunk.file):
                    whole = False
                    break
                if chunk.columns.num_rows:
                    first.append(chunk.columns)
                    rows, size_bytes = rows + chunk.columns.num_rows, size_bytes + chunk.columns.nbytes
    except Rejected:
        whole = False
    if not first:
        return None, whole
    batch = pa.Table.from_batches(first).slice(0, SAMPLE_ROWS).combine_chunks().to_batches()[0]
    return batch, whole and rows <= SAMPLE_ROWS


def _unsaid(
    batch: pa.RecordBatch, header: Sequence[str], kind: Kind, mapped: MappedColumns, *, whole: bool
) -> Unsaid:
    return Unsaid() if kind.single else unsaid_columns(batch, header, mapped.said, whole=whole)


def _lookalikes(
    batch: pa.RecordBatch, header: Sequence[str], mapped: MappedColumns, judge: _Judge, ignored: Collection[int]
) -> dict[str, str]:
    """Return the unused columns that look like identifiers, by their shown names.

    Another person's are not among them: in the place of the row's own they would join two people.
    """
    used = {index for index, _ in mapped.columns}
    used_kinds = {_kind_of(one.rule) for _, one in mapped.columns}
    found: dict[str, str] = {}
    for index, name in enumerate(header):
        if index in used or index in ignored or index in mapped.others_at or len(found) >= LISTED:
            continue
        places, cells = _filled(batch.column(index))
        if not cells or len(cells) < FILLED_SHARE * batch.num_rows:
            continue
        look = judge.look(name, cells)
        if judge.kind.hashed:
            repeats = look in used_kinds
        else:
            repeats = _repeats(look, places, cells, [batch.column(one) for one in used])
        if look and not repeats:
            found[shown_name(name, index)] = look
    return found


@dataclass(frozen=True)
class _Judge:
    """Tells what a column's cells are: one of the kinds that the platform's table has."""

    kind: Kind
    table: FieldTable
    context: Context

    def look(self, name: str, cells: Sequence[str]) -> str:
        """Return MAIL, PHONE or "" for a column; what was hashed only the column's name tells."""
        said, wanted = telling(name), {_kind_of(one.rule) for one in self.table.fields if one.from_column}
        mail = MAIL in wanted and not said.bars_mail
        phone = PHONE in wanted and not said.bars_phone
        if self.kind.hashed:
            named = MAIL if mail and said.mail else PHONE if phone and said.phone else ""
            return named if all(map(looks_hashed, cells)) else ""
        if mail and like_mail(cells):
            return MAIL
        return (
            PHONE if phone and like_phones(cells, named=said.phone, country=self.context.default_country) else ""
        )


def _kind_of(rule: object) -> str:
    return MAIL if isinstance(rule, Email) else PHONE if isinstance(rule, Phone) else ""


def _repeats(look: str, places: Sequence[int], cells: Sequence[str], used: Iterable[pa.Array]) -> bool:
    """Return whether cells say only what a used column says in the same rows."""
    mine = [_comparable(look, cell) for cell in cells]
    return any(
        sum(a == _comparable(look, b or "") for a, b in zip(mine, column.take(places).to_pylist(), strict=True))
        >= REPEATS_SHARE * len(mine)
        for column in used
    )


def _comparable(look: str, cell: str) -> str:
    if look == PHONE:
        return re.sub(r"[^0-9]", "", cell)[-9:]  # with and without country code, and with the zero of home
    return cell.strip(" '\t").casefold()


def _filled(column: pa.Array) -> tuple[list[int], list[str]]:
    """Return the places and texts of a column's first filled cells, LOOKED_AT at most."""
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), fill_value=True)
    places = pc.indices_nonzero(pc.invert(blank)).slice(0, LOOKED_AT)
    return places.to_pylist(), column.take(places).to_pylist()


def _bare_phones(batch: pa.RecordBatch, mapped: MappedColumns) -> tuple[int, int]:
    """Return how many cells of phone columns were looked at, and how many of them say no country.

    A row that names its country, in a column of its own or in what is said of all rows, says it there.
    """
    countries = countries_of_rows(mapped.fields, mapped.several, batch, mapped.told_ignored)
    said = set(pc.indices_nonzero(names_country(countries)).to_pylist()) if countries is not None else set()
    looked = bare = 0
    for index, one in mapped.columns:
        if not isinstance(one.rule, Phone):
            continue
        places, cells = _filled(batch.column(index))
        looked += len(cells)
        bare += sum(
            place not in said and any(c.isdigit() for c in cell) and not has_country_code(cell)
            for place, cell in zip(places, cells, strict=True)
        )
    return looked, bare


def _names(batch: pa.RecordBatch, columns: Sequence[tuple[int, Field]], judge: _Judge) -> pa.Array:
    """Return a text for each row that names its person: what is sent of the first column that has something."""
    return pc.coalesce(
        *(
            identify(one, batch.column(index), judge.context, hashed=judge.kind.hashed).sent.cast(pa.string())
            for index, one in columns
        )
    )


def _whole_rows(batch: pa.RecordBatch, columns: Sequence[tuple[int, Field]]) -> pa.Array:
    """Return a text for each row of which only all cells together name a person; null where all are blank."""
    texts = [pc.utf8_lower(pc.utf8_trim_whitespace(batch.column(index))) for index, _ in columns]
    joined = pc.binary_join_element_wise(*texts, "\x1f", null_handling="replace")
    blank = pc.equal(pc.utf8_trim(joined, "\x1f"), "")
    return pc.if_else(blank, pa.scalar(None, pa.string()), joined)
