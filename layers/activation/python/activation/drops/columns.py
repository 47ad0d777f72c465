"""The columns of a drop against a platform's fields: which are used, for what, and which are not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from activation.errors import Rejected
from activation.identifiers.table import Field, FieldTable
from activation.model import Kind

# A header cell that may be shown. A file without its header row has a person in its place.
SHOWABLE = re.compile(r"(?!.*\d{4})[^\W\d][\w .()/-]{0,63}", re.ASCII)
IGNORED_SHOWN = 100  # unused columns that are named: the ledger writes the names with every batch


@dataclass(frozen=True)
class MappedColumns:
    """`fields` pairs a column's index with a field it fills; `used` and `ignored` are names, for people."""

    fields: Sequence[tuple[int, Field]]
    used: Mapping[str, str]
    ignored: Sequence[str]

    @property
    def columns(self) -> list[tuple[int, Field]]:
        """Return the index of every column of the file that is used, with each field that it fills."""
        return list(self.fields)


def map_columns(table: FieldTable, header: Sequence[str], kind: Kind) -> MappedColumns:
    """Map the columns; raises Rejected with no_usable_column when none of them can name a person."""
    if kind.single is not None:
        field = table.field(kind.single)
        return MappedColumns([(0, field)], {"column 1": field.key}, ())
    by_index, _ = table.columns(header)
    order = {field.key: place for place, field in enumerate(table.fields)}
    pairs = [(index, field) for index, of_column in by_index.items() for field in of_column]
    fields = sorted(pairs, key=lambda pair: order[pair[1].key])
    if not table.can_identify([field.key for _, field in fields]):
        wanted = ", ".join(field.key for field in table.fields if field.identifies)
        raise Rejected(
            "no_usable_column",
            f"no column of the header row is one of {wanted}; is the first line of the file its header?",
        )
    if missing := [
        one.key for one in table.fields if one.required and one.key not in {field.key for _, field in fields}
    ]:
        raise Rejected(
            "required_column_missing",
            f"{table.platform} wants {', '.join(missing)} in every row, and no column of the header row is that",
        )
    used: dict[str, str] = {}
    for index, field in fields:
        name = shown_name(header[index], index)
        used[name] = f"{used[name]}, {field.key}" if name in used else field.key
    taken = {index for index, _ in fields}
    ignored = [shown_name(name, index) for index, name in enumerate(header) if index not in taken]
    if (more := len(ignored) - IGNORED_SHOWN) > 0:
        ignored[IGNORED_SHOWN:] = [f"and {more} more"]
    return MappedColumns(fields, used, ignored)


def shown_name(name: str, index: int) -> str:
    """Return a column's name as far as it cannot be anybody's data, else its number, from 1."""
    return name if SHOWABLE.fullmatch(name.strip()) else f"column {index + 1}"
