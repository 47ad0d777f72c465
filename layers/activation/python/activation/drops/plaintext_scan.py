"""A hashed drop is read through once before anything of it is sent: one value in clear stops the file."""

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
    """Raise Rejected with clear_text, naming row and column, for a chunk with a value in clear.

    Whoever declares a file hashed and puts a person's address into it has exported the wrong column, and the rest
    of the file is no more to be trusted.
    """
    found = [
        (row, field.key)
        for index, field in fields
        if (row := _first_in_clear(chunk, chunk.columns.column(index), field, context)) is not None
    ]
    if found:
        row, key = min(found)
        raise Rejected(
            "clear_text",
            f"{chunk.spoken(row)} has a value in clear under {key} though the drop's key says hashed;"
            " nothing was sent",
        )


def _first_in_clear(chunk: Chunk, values: pa.Array, field: Field, context: Context) -> int | None:
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
