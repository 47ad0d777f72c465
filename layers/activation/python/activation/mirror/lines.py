"""Lines of a list as they are sent, and the 64-bit keys by which they are compared.

A table of lines has the column `row` (int64, the source row) and the wire cells by wire key, as texts, null where
nothing is sent. A source row has one line, or several where it has further addresses or phones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

ROW = "row"
LINE = "line"  # the column of a line's key, where it is kept


def lines_table(parts: Iterable[tuple[pa.RecordBatch | pa.Table, pa.Array]]) -> pa.Table:
    """Return lines as one table.

    `parts` are columns by wire key with the source row of each line: those of a `Prepared` span first, then those
    of each of its `further`. All have the same columns.
    """
    raise NotImplementedError


def line_keys(lines: pa.Table) -> pa.Array:
    """Return the key of each line (uint64): the first 8 bytes of a SHA-256 over its cells and their wire keys.

    Cells are taken in the order of their keys' names, and blank ones left out, so that a column that is missing,
    blank or in another place does not change a line.
    """
    raise NotImplementedError


@dataclass(frozen=True)
class Digest:
    """A digest of keys in any order: how many they are, and their sum modulo 2**64.

    Keys that differ anywhere have the same digest with a chance of 1 in 2**64.
    """

    count: int = 0
    total: int = 0

    def plus(self, keys: pa.Array) -> Digest:
        """Return the digest of these keys and further ones."""
        raise NotImplementedError

    def __str__(self) -> str:
        """Return the digest as text, for a record."""
        return f"{self.count}-{self.total:016x}"
