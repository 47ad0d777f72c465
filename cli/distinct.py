"""Count the different people in a file: exactly in small files, as an estimate in bounded memory in large ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

KEPT = 65_536  # the standard error is 1 / sqrt(k): 0.4 %
_SPACE = 2**64


class Distinct:
    """A sketch of the k smallest hashes (Bar-Yossef and others, 2002), exact up to k distinct values.

    Values that are already digests serve as their own hashes. `kept` is k.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._smallest: set[int] = set()
        self._bound = _SPACE  # larger hashes cannot be among the k smallest

    def add(self, values: Iterable[str]) -> None:
        """Count texts; repeated texts count once."""
        for value in values:
            found = _hash(value)
            if found < self._bound:
                self._smallest.add(found)
        if len(self._smallest) > 2 * self._kept:
            self._shrink()

    def add_column(self, column: pa.Array | pa.ChunkedArray) -> None:
        """Count a column's distinct texts; nulls are ignored."""
        self.add(column.drop_null().unique().to_pylist())

    @property
    def is_exact(self) -> bool:
        """Return whether the count is exact."""
        return self._bound == _SPACE and len(self._smallest) <= self._kept

    def count(self) -> int:
        """Return the number of distinct texts, exact while `is_exact`."""
        if self.is_exact:
            return len(self._smallest)
        self._shrink()
        return round((self._kept - 1) / (max(self._smallest) / _SPACE))

    def _shrink(self) -> None:
        if len(self._smallest) > self._kept:
            ordered = sorted(self._smallest)[: self._kept]
            self._smallest, self._bound = set(ordered), ordered[-1] + 1


def _hash(text: str) -> int:
    if len(text) == 64:
        try:
            return int(text[:16], 16)
        except ValueError:
            pass
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
