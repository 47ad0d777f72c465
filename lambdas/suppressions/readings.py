"""A chunk of a suppression drop, read as every platform would read it: the heads of all that it would be sent.

Every platform of the release is asked, not only those that are deployed: a list holds no plain value from which a
connector that is added later could make its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from activation.drops.chunk import Chunk
from activation.drops.columns import MappedColumns
from activation.identifiers.assign import Use
from activation.identifiers.headers import DEVICES, Meaning
from activation.identifiers.join import every_value
from activation.identifiers.needed import identifies_alone
from activation.identifiers.row_country import countries_of_rows
from activation.identifiers.table import Context, Digest, Field, FieldTable
from activation.suppression.heads import cells_of

ALONE = frozenset((Meaning.EMAIL, Meaning.PHONE, Meaning.CUSTOMER_ID, *DEVICES))


@dataclass(frozen=True)
class Reading:
    """One rule for some columns, and the platforms that send what it makes of them."""

    field: Field
    uses: tuple[Use, ...]
    platforms: tuple[str, ...]

    @property
    def is_of_phones(self) -> bool:
        """Return whether the country matters."""
        return Meaning.PHONE in self.field.means


@dataclass
class Readings:
    """Reads the chunks of one drop, and gathers the heads for each platform.

    `mapped` are the drop's columns, `contexts` how cells are read: by each default country that some connector
    has, since a number without its country code is another one for each. `hashed` says that cells are digests.
    """

    mapped: MappedColumns
    readings: Sequence[Reading]
    contexts: Sequence[Context]
    hashed: bool
    found: dict[str, list[pa.Array]] = field(default_factory=dict)

    def look(self, chunk: Chunk) -> pa.Array:
        """Gather from a chunk; return the mask of the rows that some platform would find somebody by."""
        columns, mapped = chunk.columns, self.mapped
        countries = countries_of_rows(mapped.fields, mapped.several, columns, mapped.told_ignored)
        named = pa.repeat(pa.scalar(False), columns.num_rows)
        for reading in self.readings:
            for values in self._values(reading, columns, countries):
                named = pc.or_(named, values.is_valid())
                if values.null_count < len(values):
                    heads = pc.unique(cells_of(reading.field.digest, values).heads())
                    for platform in reading.platforms:
                        self.found.setdefault(platform, []).append(heads)
        return named

    def _values(self, reading: Reading, columns: pa.RecordBatch, countries: pa.Array | None) -> Iterator[pa.Array]:
        for context in self.contexts if reading.is_of_phones else self.contexts[:1]:
            yield from every_value(reading.field, reading.uses, columns, context, countries, hashed=self.hashed)


def raw_readings(mapped: MappedColumns, tables: Mapping[str, FieldTable]) -> list[Reading]:
    """Return the readings of plain columns: by the fields of every platform that have the columns' meanings."""
    uses = {one.means[0]: mapped.several.get(one.key, (Use(index),)) for index, one in mapped.fields}
    found: dict[tuple[str, Digest, tuple[Use, ...]], Reading] = {}
    for platform, table in tables.items():
        for one, means in _of_people(table):
            own = tuple(use for meaning in means for use in uses.get(meaning, ()))
            if not own:
                continue
            key = (repr(one.rule), one.digest, own)
            before = found.get(key, Reading(one, own, ()))
            platforms = tuple(dict.fromkeys((*before.platforms, platform)))
            found[key] = Reading(before.field, own, platforms)
    return list(found.values())


def hashed_readings(mapped: MappedColumns, tables: Mapping[str, FieldTable]) -> list[Reading]:
    """Return the readings of digests: what one platform is sent, any other one may be sent as well."""
    return [
        Reading(one, mapped.several.get(one.key, (Use(index),)), tuple(tables))
        for index, one in mapped.fields
        if identifies_alone(one)
    ]


def _of_people(table: FieldTable) -> Iterator[tuple[Field, tuple[Meaning, ...]]]:
    """Yield a platform's fields that are one person's, each with what a column of it means.

    A field that no column of plain values fills, such as an MD5 of a device's id, means what the field of the same
    rule does: its digests come in lists.
    """
    for one in table.fields:
        means = one.means or next(
            (each.means for each in table.fields if each.rule == one.rule and each.means), ()
        )
        if own := tuple(meaning for meaning in means if meaning in ALONE):
            yield one, own
