"""Several columns that fill one field: the first of them with a usable cell, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.assign import Use
from activation.identifiers.cell_lists import with_lists
from activation.identifiers.codes import Code
from activation.identifiers.identify import Column, identify
from activation.identifiers.row_country import identify_by_country
from activation.identifiers.table import Context, Field

MOST_OF_A_CELL = 200  # further values; a cell that lists more has more than an export of people would


@dataclass(frozen=True)
class Joined:
    """What a field's columns come to: the value of each row, and its further values as string arrays."""

    column: Column
    further: tuple[pa.Array, ...] = ()


def join(
    one: Field,
    uses: Sequence[Use],
    columns: pa.RecordBatch,
    context: Context,
    countries: pa.Array | None = None,
    *,
    hashed: bool,
) -> Joined:
    """Return what is sent for a field, from the first of its columns that has it in a row.

    Further values are those of the other columns that differ, as many as the field may have; a digest is none
    where there is a column of plain values, since it is most often the same value's.

    `countries` say each row's country, see row_country.py. `hashed` is what the drop declares of its values. In a
    raw drop, a column whose name says digests is read as those, and what is none there as a value like any other;
    a constant is a value in every drop. A row's code is that of the first column with one, where none is usable.
    """
    joined: Column | None = None
    further = [pa.nulls(columns.num_rows, pa.string())] * one.further
    plain = hashed or all(use.hashed for use in uses)
    for use in uses:
        found, more = _column(one, use, columns, context, countries, hashed=hashed)
        before, joined = joined, found if joined is None else _first(joined, found)
        if before is not None and one.further and (plain or not use.hashed) and not use.constant:
            further = _with_further(joined.sent, further, found.sent)
        for each in more:
            further = _with_further(joined.sent, further, each)
        if not joined.sent.null_count and not one.further:
            break
    assert joined is not None  # noqa: S101  a field without a column is in no assignment
    code = joined.code
    if code.null_count < len(code):
        code = pc.if_else(pc.is_valid(joined.sent), pa.scalar(None, pa.string()), code)
    return Joined(Column(joined.sent, code), tuple(each for each in further if each.null_count < len(each)))


def every_value(
    one: Field,
    uses: Sequence[Use],
    columns: pa.RecordBatch,
    context: Context,
    countries: pa.Array | None = None,
    *,
    hashed: bool,
) -> Iterator[pa.Array]:
    """Yield all that would be sent for a field's columns if any number of values of a person could be.

    The arguments are those of `join`. A constant is not among it: it is nobody's own.
    """
    one = replace(one, further=MOST_OF_A_CELL)
    for use in uses:
        if not use.constant:
            found, more = _column(one, use, columns, context, countries, hashed=hashed)
            yield from (found.sent, *more)


def _with_further(sent: pa.Array, further: list[pa.Array], values: pa.Array) -> list[pa.Array]:
    """Return the further values with those of one more column that differ from all before."""
    new = pc.and_(pc.is_valid(values), pc.fill_null(pc.not_equal(values, sent), fill_value=False))
    for each in further:
        new = pc.and_(new, pc.fill_null(pc.not_equal(values, each), fill_value=True))
    filled = []
    for each in further:
        here = pc.and_(new, pc.is_null(each))
        filled.append(pc.if_else(here, values, each))
        new = pc.and_not(new, here)
    return filled


def _column(
    one: Field, use: Use, columns: pa.RecordBatch, context: Context, countries: pa.Array | None, *, hashed: bool
) -> tuple[Column, tuple[pa.Array, ...]]:
    """Return what is sent for one column, and the further values of cells that hold several."""
    if use.constant:
        found = identify(one, pa.array([use.constant]), context, hashed=False)
        places = pa.repeat(pa.scalar(0, pa.int32()), columns.num_rows)
        return Column(found.sent.take(places), found.code.take(places)), ()
    values = columns.column(use.index)
    if hashed:
        return identify(one, values, context, hashed=True), ()
    if not use.hashed:
        found = identify_by_country(one, values, countries, context, hashed=False)
        return with_lists(one, values, found, context, countries)
    digests = identify(one, values, context, hashed=True)
    if digests.code.null_count == len(digests.code):
        return digests, ()
    raw = identify_by_country(one, values, countries, context, hashed=False)
    is_digest = pc.fill_null(pc.equal(raw.code, Code.LOOKS_HASHED.value), fill_value=False)
    code = pc.if_else(is_digest, digests.code, raw.code)
    return Column(pc.coalesce(digests.sent, raw.sent), code), ()


def _first(before: Column, after: Column) -> Column:
    return Column(pc.coalesce(before.sent, after.sent), pc.coalesce(before.code, after.code))
