"""Scans a hashed drop for plaintext: it is read once before any row is sent, and one plaintext value stops it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.chunk import Chunk
from activation.errors import Rejected
from activation.identifiers.codes import Code
from activation.identifiers.declared import plainly_digests
from activation.identifiers.identify import identify
from activation.identifiers.table import Context, Field


def refuse_plaintext(chunk: Chunk, fields: Sequence[tuple[int, Field]], context: Context) -> None:
    """Raise Rejected with clear_text, naming row and column, for a chunk with a plaintext value.

    A plaintext address in a file declared as hashed means that the wrong column was exported, so the rest of the
    file cannot be trusted either.
    """
    found = [
        (row, field.key)
        for index, field in fields
        if (row := _first_plaintext(chunk, chunk.columns.column(index), field, context)) is not None
    ]
    if found:
        row, key = min(found)
        raise Rejected(
            "clear_text",
            f"{chunk.spoken(row)} has a plaintext value under {key}, but the drop's key says hashed;"
            " nothing was sent",
        )


def _first_plaintext(chunk: Chunk, values: pa.Array, field: Field, context: Context) -> int | None:
    """Return the number of the first row whose cell is no digest but somebody's data."""
    if plainly_digests(field.digest, values):
        return None
    codes = identify(field, values, context, hashed=True).code
    if codes.null_count == len(codes):
        return None
    place = pc.index(codes.cast(pa.string()), Code.PLAIN_VALUE.value).as_py()
    if place < 0:
        return None
    row: int = chunk.rows[place].as_py()
    return row
