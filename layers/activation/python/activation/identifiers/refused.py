"""Identifiers of people who are not to be sent: a set of keyed digests, in 24 bytes each, of any platform.

The normalised value is hashed, so that an e-mail address is the same however it is spelled, and a random key is
prepended: without the key, which is stored elsewhere, a stored set matches no list of hashes. Half of the
SHA-256 is kept: of a billion other identifiers, one is taken for one of two million with a chance below 1e-23.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.digest import sha256

EVERY_ROW = 2**63 - 1  # the row of a refusal that holds for the whole file
_DIGEST_BYTES = 32
_SCHEMA = pa.schema([("high", pa.uint64()), ("low", pa.uint64()), ("row", pa.int64())])
_SORTED = [(name, "ascending") for name in _SCHEMA.names]


class DamagedSet(Exception):
    """Stored bytes are no set of refused identifiers; nothing of them is shown."""


def new_key() -> str:
    """Return a random key for a set, 32 hexadecimal digits."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Refused:
    """A set of refused identifiers, each with the last row that refuses it.

    `table` has the halves of each digest (high, low) and the row, sorted by them, each digest once.
    """

    table: pa.Table = field(default_factory=_SCHEMA.empty_table, repr=False)

    def __len__(self) -> int:
        return len(self.table)

    def rows_of(self, digests: pa.Table) -> pa.Array:
        """Return the last row that refuses each digest of `keyed`, null where none does."""
        none = pa.nulls(len(digests), pa.int64())
        if not len(self) or not len(digests):
            return none
        known, wanted = self._column("high"), _flat(digests["high"])
        places = pc.search_sorted(known, wanted)
        last = pa.scalar(len(self) - 1, pa.uint64())
        alike = pc.fill_null(
            pc.equal(known.take(pc.min_element_wise(places, last, skip_nulls=False)), wanted), fill_value=False
        )
        found = pc.indices_nonzero(alike)
        if not len(found):
            return none
        rows = self._rows_at(places.take(found), wanted.take(found), _flat(digests["low"]).take(found))
        return pc.replace_with_mask(none, alike, rows)

    def _rows_at(self, places: pa.Array, high: pa.Array, low: pa.Array) -> pa.Array:
        """Return the rows of digests whose high halves begin at these places; two sets of halves may be alike."""
        last = pa.scalar(len(self) - 1, pa.uint64())
        rows = pa.nulls(len(places), pa.int64())
        for step in range(2):
            at = pc.min_element_wise(pc.add(places, pa.scalar(step, pa.uint64())), last)
            same = pc.and_(
                pc.equal(self._column("high").take(at), high), pc.equal(self._column("low").take(at), low)
            )
            rows = pc.coalesce(rows, pc.if_else(same, self._column("row").take(at), pa.scalar(None, pa.int64())))
        return rows

    def _column(self, name: str) -> pa.Array:
        return self.table[name].chunk(0)

    def write(self, file: IO[bytes]) -> None:
        """Write the set in Arrow's own file format."""
        with pa.ipc.new_file(file, _SCHEMA) as out:
            out.write_table(self.table)

    @classmethod
    def from_bytes(cls, data: bytes) -> Refused:
        """Return the set that `write` wrote, without a copy of it; raises DamagedSet."""
        try:
            table = pa.ipc.open_file(pa.py_buffer(data)).read_all()
        except (pa.ArrowException, OSError):
            table = None
        if table is None or table.schema != _SCHEMA:
            raise DamagedSet("a stored set of refused identifiers cannot be read")
        return cls(table.combine_chunks())

    @classmethod
    def of(cls, tables: Iterable[pa.Table]) -> Refused:
        """Return the set of digests with their rows, in any order: of equal digests the last row counts."""
        columns = pa.concat_tables([_SCHEMA.empty_table(), *tables]).combine_chunks().columns
        order = pc.sort_indices(pa.table(columns, schema=_SCHEMA), sort_keys=_SORTED)
        # One column after the other: millions of them are held once, and not twice.
        columns = [columns.pop(0).take(order) for _ in _SCHEMA.names]
        del order
        columns = [_flat(one) for one in columns]
        if len(columns[0]):
            ends = [pc.not_equal(half[:-1], half[1:]) for half in columns[:2]]
            last = pa.concat_arrays([pc.or_(*ends), pa.array([True])])
            if not pc.all(last).as_py():
                columns = [columns.pop(0).filter(last) for _ in _SCHEMA.names]
        return cls(pa.table(columns, schema=_SCHEMA))

    def joined(self, others: Iterable[Refused]) -> Refused:
        """Return this set together with others of the same key."""
        return Refused.of([self.table, *(one.table for one in others)])


def keyed(key: str, values: pa.Array) -> pa.Table:
    """Return the digests of a string array under a key, as halves, null for null."""
    return halves(pc.binary_join_element_wise(pa.scalar(key), values.cast(pa.string()), ""))


def halves(texts: pa.Array) -> pa.Table:
    """Return the digests of texts that begin with a key, as halves, null for null."""
    dense = texts.drop_null() if texts.null_count else texts
    numbers = memoryview(sha256(dense)).cast("Q")
    step = _DIGEST_BYTES // numbers.itemsize
    return pa.table([_spread(numbers[place::step], texts) for place in range(2)], names=["high", "low"])


def with_rows(digests: pa.Table, rows: pa.Array) -> pa.Table:
    """Return the digests that are not null, each with the row that refuses it."""
    table = digests.append_column(_SCHEMA.field("row"), rows)
    return table.filter(pc.is_valid(digests["high"])) if digests["high"].null_count else table


def _spread(numbers: memoryview, like: pa.Array) -> pa.Array:
    """Return 64-bit numbers as an array, one for each valid cell of `like`, whose nulls stay null."""
    dense = pa.Array.from_buffers(pa.uint64(), len(numbers), [None, pa.py_buffer(bytes(numbers))])
    if not like.null_count:
        return dense
    return pc.replace_with_mask(pa.nulls(len(like), pa.uint64()), like.is_valid(), dense)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
