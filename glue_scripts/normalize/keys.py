"""Keys under which lines meet: digests of cells, so that no value travels as a key and long ones stay short."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from activation.identifiers.digest import digests
from activation.identifiers.table import Digest

_WIDTH = 32  # hex digits: two of 2**60 rows do not meet by chance


def key_of(columns: Sequence[pa.Array], *, short: bool = True) -> pa.Array:
    """Return a digest for each row that is the same for the same cells; null and "" are the same."""
    joined = joined_cells(columns)
    found = digests(Digest.SHA256_HEX, joined)
    return pc.utf8_slice_codeunits(found, 0, _WIDTH) if short else found


def joined_cells(columns: Sequence[pa.Array]) -> pa.Array:
    """Return one text for each row; a cell that holds the separator cannot look like two cells."""
    cells = [
        pc.replace_substring(pc.replace_substring(pc.fill_null(one, ""), "\\", "\\\\"), "\n", "\\n")
        for one in (each.cast(pa.string()) for each in columns)
    ]
    return pc.binary_join_element_wise(*cells, "\n") if len(cells) > 1 else cells[0]
