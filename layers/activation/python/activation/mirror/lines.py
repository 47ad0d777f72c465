"""Lines of a list as they are sent, and the 64-bit keys by which they are compared.

A table of lines has the column `row` (int64, the source row) and the wire cells by wire key, as texts, null where
nothing is sent. A source row has one line, or several where it has further addresses or phones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.digest import sha256
from activation.identifiers.widths import texts_of

ROW = "row"
_SLICE_LINES = 16_384  # whose texts, a few hundred bytes each, are joined at a time
_BETWEEN, _ESCAPE = "\0", "\1"


def lines_table(parts: Iterable[tuple[pa.RecordBatch | pa.Table, pa.Array]]) -> pa.Table:
    """Return lines as one table.

    `parts` are columns by wire key with the source row of each line: those of a `Prepared` span first, then those
    of each of its `further`. All have the same columns.
    """
    tables = []
    for columns, rows in parts:
        names = [ROW, *columns.schema.names]
        cells = [column.cast(pa.string()) for column in columns.columns]
        tables.append(pa.table([rows, *cells], names=names))
    return pa.concat_tables(tables)


def line_keys(lines: pa.Table) -> pa.Array:
    """Return the key of each line (uint64): the first 8 bytes of a SHA-256 over its cells and their wire keys.

    Cells are taken in the order of their keys' names, and blank ones left out, so that a column that is missing,
    blank or in another place does not change a line.
    """
    names = sorted(name for name in lines.schema.names if name != ROW)
    cells = lines.select(names)
    found = [_keys_of(batch) for batch in cells.to_batches(max_chunksize=_SLICE_LINES)]
    return pa.concat_arrays([pa.array([], pa.uint64()), *found])


def _keys_of(cells: pa.RecordBatch) -> pa.Array:
    """Return the keys of a slice; each cell is preceded by its wire key, and neither has a byte that separates."""
    texts = []
    nothing = pa.scalar(None, pa.string())
    for name, column in zip(cells.schema.names, cells.columns, strict=True):
        texts += [pc.if_else(pc.is_valid(column), name, nothing), _escaped(column)]
    if not texts:
        texts = [pa.repeat(pa.scalar(""), len(cells))]
    joined = pc.binary_join_element_wise(*texts, _BETWEEN, null_handling="skip")
    return pa.Array.from_buffers(pa.uint64(), len(joined), [None, pa.py_buffer(_heads(sha256(joined)))])


def _escaped(column: pa.Array) -> pa.Array:
    """Return texts without the byte that separates; almost none has it, and two that differ still do."""
    for byte, instead in ((_ESCAPE, _ESCAPE + "e"), (_BETWEEN, _ESCAPE + "b")):
        if byte.encode() in bytes(texts_of(column)):
            column = pc.replace_substring(column, byte, instead)
    return column


def _heads(digests: bytes | bytearray) -> bytes:
    """Return the first 8 of each 32 bytes."""
    return memoryview(digests).cast("Q")[::4].tobytes()


@dataclass(frozen=True)
class Digest:
    """A digest of keys in any order: how many they are, and their sum modulo 2**64.

    Keys that differ anywhere have the same digest with a chance of 1 in 2**64.
    """

    count: int = 0
    total: int = 0

    def plus(self, keys: pa.Array) -> Digest:
        """Return the digest of these keys and further ones."""
        more = pc.sum(keys, min_count=0).as_py()  # Arrow's sum wraps around
        return Digest(self.count + len(keys), (self.total + more) % 2**64)

    @classmethod
    def of(cls, text: str) -> Digest:
        """Return the digest that a text says; ValueError where it says none."""
        count, total = text.split("-")
        return cls(int(count), int(total, 16))

    def __str__(self) -> str:
        """Return the digest as text, for a record."""
        return f"{self.count}-{self.total:016x}"
