"""Several columns that fill one field: the first of them with a usable cell, row by row."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.assign import Use
from activation.identifiers.codes import Code
from activation.identifiers.identify import Column, identify
from activation.identifiers.table import Context, Field


def join(one: Field, uses: Sequence[Use], columns: pa.RecordBatch, context: Context, *, hashed: bool) -> Column:
    """Return what is sent for a field, from the first of its columns that has it in a row.

    `hashed` is what the drop declares of its values. In a raw drop, a column whose name says digests is read as
    those, and what is none there as a value like any other; a constant is a value in every drop. A row's code is
    that of the first column with one, where none is usable.
    """
    joined: Column | None = None
    for use in uses:
        found = _column(one, use, columns, context, hashed=hashed)
        joined = found if joined is None else _first(joined, found)
        if not joined.sent.null_count:
            break
    assert joined is not None  # noqa: S101  a field without a column is in no assignment
    return Column(joined.sent, pc.if_else(pc.is_valid(joined.sent), pa.scalar(None, pa.string()), joined.code))


def _column(one: Field, use: Use, columns: pa.RecordBatch, context: Context, *, hashed: bool) -> Column:
    if use.constant:
        found = identify(one, pa.array([use.constant]), context, hashed=False)
        places = pa.repeat(pa.scalar(0, pa.int32()), columns.num_rows)
        return Column(found.sent.take(places), found.code.take(places))
    values = columns.column(use.index)
    if hashed or not use.hashed:
        return identify(one, values, context, hashed=hashed)
    digests = identify(one, values, context, hashed=True)
    if digests.code.null_count == len(digests.code):
        return digests
    raw = identify(one, values, context, hashed=False)
    is_digest = pc.fill_null(pc.equal(raw.code, Code.LOOKS_HASHED.value), fill_value=False)
    code = pc.if_else(is_digest, digests.code, raw.code)
    return Column(pc.coalesce(digests.sent, raw.sent), code)


def _first(before: Column, after: Column) -> Column:
    return Column(pc.coalesce(before.sent, after.sent), pc.coalesce(before.code, after.code))
