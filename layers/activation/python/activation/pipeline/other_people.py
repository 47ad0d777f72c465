"""People whom other runs have sent too, kept out of an undo: each row is looked up before it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.row_filters import NOT_TOLD_APART, SENT_BY_OTHERS
from activation.identifiers.refused import Refused, keyed


@dataclass(frozen=True)
class OtherPeople:
    """The identifiers that other runs have sent; `key` is that of their digests."""

    identifiers: Refused
    key: str = field(repr=False)

    def among(self, identifiers: Sequence[pa.Array], rows: int) -> Iterator[tuple[str, pa.Array]]:
        """Yield codes, each with the mask of the rows that are left out for it.

        `identifiers` are what each of so many `rows` would be sent with and is one person's by itself. A row
        without any is left out as well: its name and address may be those of somebody whom another run has sent.
        """
        known = named = pa.repeat(pa.scalar(False), rows)
        for values in identifiers:
            found = pc.is_valid(self.identifiers.rows_of(keyed(self.key, values)))
            known, named = pc.or_(known, found), pc.or_(named, values.is_valid())
        yield SENT_BY_OTHERS, known
        yield NOT_TOLD_APART, pc.invert(named)
