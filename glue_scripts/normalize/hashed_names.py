"""What the columns of a hashed drop are called, so that its reader takes them for what they are."""

from __future__ import annotations

from dataclasses import dataclass

from activation.drops.columns import MappedColumns, map_columns
from activation.identifiers.column_map import Entries
from activation.identifiers.table import Field, FieldTable
from activation.model import HASHED


@dataclass(frozen=True)
class HashedNames:
    """`names` are the columns in their order: each field's, then those of a person's further values of it.

    `told` is what the drop's manifest has to say of those that no name tells.
    """

    names: tuple[str, ...]
    told: Entries = ()


def hashed_names(table: FieldTable, mapped: MappedColumns) -> HashedNames:
    """Return the names: wire keys, and for further values what exports call a second address or phone."""
    names: list[str] = []
    told: list[tuple[str, str]] = []
    for _, one in mapped.fields:
        further = [f"{one.key}_{place}" for place in range(2, one.further + 2)]
        if further and not _is_known(table, one, further):
            known = [f"{one.means[0]}_{place}_sha256" for place in range(2, one.further + 2)]
            if _is_known(table, one, known):
                further = known
            else:
                told += [(name, one.key) for name in (one.key, *further)]
        names += [one.key, *further]
    return HashedNames(tuple(names), tuple(told))


def _is_known(table: FieldTable, one: Field, further: list[str]) -> bool:
    """Return whether a hashed drop's reader takes these columns for the field's further values, in this order."""
    found = map_columns(table, [one.key, *further], HASHED)
    return [index for index, of in found.columns if of.key == one.key] == list(range(len(further) + 1))
