"""The identifier stage alone, or the plain loop over the same cells: `stage.py ours|loop PATH`.

Both start with the columns in memory. The loop hashes every unchanged cell once; ours normalises, checks, hashes
and writes hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pyarrow as pa
from activation.buffers import from_malloc
from activation.drops.columns import map_columns
from activation.drops.open import open_drop
from activation.drops.source import FileSource
from activation.identifiers.identify import identify
from activation.identifiers.table import Context
from activation.model import RAW, Cursor

from bench.inside.meter import metered
from lambdas.meta.platform import PLATFORM


def loop(chunks: list[pa.RecordBatch]) -> dict[str, int]:
    """Hash every cell with hashlib."""
    sha256 = hashlib.sha256
    for batch in chunks:
        for column in batch.columns:
            for cell in column.cast(pa.binary()).to_pylist():
                sha256(cell).digest()
    return {"rows": sum(len(batch) for batch in chunks)}


def ours(chunks: list[pa.RecordBatch], header: tuple[str, ...]) -> dict[str, int]:
    """Normalise and hash every column."""
    fields, context = map_columns(PLATFORM.table, header, RAW).fields, Context()
    for batch in chunks:
        for index, field in fields:
            identify(field, batch.column(index), context, hashed=False)
    return {"rows": sum(len(batch) for batch in chunks)}


if __name__ == "__main__":
    from_malloc()
    reader = open_drop(FileSource(Path(sys.argv[2])))
    read = [chunk.columns for chunk in reader.chunks(Cursor())]
    metered(lambda: dict(ours(read, reader.header) if sys.argv[1] == "ours" else loop(read)))
