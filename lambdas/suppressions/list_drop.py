"""A drop of a suppression list, as it is read: its columns, who is found in its rows, and why others name nobody.

The function's runs and `activation suppress` read drops alike by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from activation.drops.chunk import Chunk, DropReader
from activation.drops.columns import MappedColumns, map_columns
from activation.drops.plaintext_scan import refuse_plaintext
from activation.drops.row_filters import none_sent
from activation.errors import Rejected
from activation.identifiers.codes import Code
from activation.identifiers.column_map import Entries
from activation.identifiers.table import Context
from activation.model import HASHED, Kind
from activation.pipeline.batching import Batcher
from activation.pipeline.findings import NO_IDENTIFIER, of_rows
from activation.suppression.listed import Listed

from lambdas.suppressions.listed_fields import HASHED_FOR
from lambdas.suppressions.lists import ROWS_PER_SPAN, hashed_for, table, tables
from lambdas.suppressions.readings import Readings, hashed_readings, raw_readings

# What cells are that another platform, or no platform, has hashed.
OTHER_HASHES = frozenset(
    (Code.HASH_MD5, Code.HASH_SHA1, Code.HASH_SHA256, Code.HASH_BASE64, Code.HASH_LENGTH, Code.LOOKS_HASHED)
)


@dataclass(frozen=True)
class ListDrop:
    """A drop whose columns are known; `batcher` judges the rows that name nobody."""

    mapped: MappedColumns
    readings: Readings
    batcher: Batcher

    @classmethod
    def of(
        cls,
        reader: DropReader,
        kind: Kind,
        contexts: Sequence[Context],
        context: Context,
        own_columns: Entries = (),
    ) -> ListDrop:
        """Return the suppression drop that a reader reads.

        `contexts` is how cells are read, one for each default country, and `context` that of this drop alone.
        `own_columns` is what is said of its columns. Raises what `map_columns` raises.
        """
        of_platform = hashed_for(kind.declared)
        fields = tables()[of_platform] if of_platform else table()
        mapped = map_columns(fields, reader.header, kind, own_columns, reader.nested)
        by = hashed_readings(mapped, tables()) if of_platform else raw_readings(mapped, tables())
        batcher = Batcher(
            table=fields,
            fields=mapped.fields,
            context=context,
            hashed=kind.hashed,
            max_rows=ROWS_PER_SPAN,
            several=mapped.several,
            ignored=mapped.told_ignored,
        )
        return cls(mapped, Readings(mapped, by, contexts, hashed=kind.hashed), batcher)

    def refuse_useless(self) -> None:
        """Raise Rejected (no_usable_column) where no column names a person by itself."""
        if not self.readings.readings:
            raise Rejected("no_usable_column", "no column of the file names a person by itself")

    def look(self, chunk: Chunk) -> tuple[int, pa.Table]:
        """Gather the identifiers of a chunk; return how many rows name somebody, and why the others do not.

        Raises Rejected (clear_text) for a plain value in a file of digests.
        """
        if self.readings.hashed:
            refuse_plaintext(chunk, self.mapped.columns, self.batcher.context)
        named = self.readings.look(chunk)
        return pc.sum(named, min_count=0).as_py(), _unnamed(chunk, pc.invert(named), self.batcher)

    def heads(self) -> dict[str, Listed]:
        """Return what was gathered, by platform."""
        return {name: Listed.of(self.readings.found.get(name, ())) for name in tables()}


def refuse_hashed(kind: Kind) -> None:
    """Raise Rejected (hashed_for_whom) for digests of which the key does not say whose they are."""
    if kind == HASHED:
        raise Rejected(
            "hashed_for_whom",
            "a suppression list of digests has to say whose they are, since platforms hash phones differently:"
            " put it below hashed_meta/, hashed_tiktok/ and so on in place of hashed/",
        )


def refuse_made_for(made_for: str, kind: Kind) -> None:
    """Raise Rejected (other_platform) for digests that a folder's manifest says were made for another platform.

    `made_for` is "" where it says none.
    """
    of_platform = hashed_for(kind.declared)
    if of_platform and made_for not in ("", of_platform):
        raise Rejected(
            "other_platform",
            f"the folder's manifest says that its digests were made for {made_for}, and the key declares those of"
            f" {of_platform}: the list was not changed. Put the folder below {HASHED_FOR}{made_for}/",
        )


def names_nobody(kind: Kind, rejected: Mapping[str, int]) -> Rejected:
    """Return the refusal of a drop in which no row names anybody; `rejected` counts its rows by code."""
    of_platform, found = hashed_for(kind.declared), none_sent(Counter(rejected))
    if set(rejected) <= {code.value for code in OTHER_HASHES}:
        whose = f"no digests of {of_platform}'s" if of_platform else "digests, and the key declares plain values"
        return Rejected("other_hash", f"the cells are {whose}: the list was not changed. {found.sentence}")
    return Rejected("names_nobody", f"the drop names nobody: the list was not changed. {found.sentence}")


def too_many(people: int, most: int, *, lifts: bool) -> str:
    """Return the sentence for a drop of more people than the settings allow at once, "" where it has no more."""
    if people <= most:
        return ""
    return (
        f"the drop has {people:,} rows to {'take off' if lifts else 'put on'} the list, more than"
        f" the {most:,} that suppressions.most_rows allows at once, so the list was not changed."
        " If that is meant, raise the setting, deploy and redrive"
    )


def _unnamed(chunk: Chunk, mask: pa.Array, batcher: Batcher) -> pa.Table:
    """Return why some rows of a chunk name nobody: by their cells, else that they hold no identifier."""
    rest = replace(chunk, columns=chunk.columns.filter(mask), rows=chunk.rows.filter(mask))
    found = batcher.identify(rest).rejected
    silent = rest.rows.filter(pc.invert(pc.is_in(rest.rows, value_set=found["row"].combine_chunks())))
    return pa.concat_tables([found, of_rows(silent, NO_IDENTIFIER)]).sort_by("row")
