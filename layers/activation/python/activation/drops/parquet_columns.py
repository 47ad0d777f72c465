"""The columns of a Parquet file that are read: flat ones, and those inside structures by their paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import types

from activation.drops.as_text import is_flat, is_nested
from activation.drops.codes import refused
from activation.identifiers.showable import shown


@dataclass(frozen=True)
class ReadColumns:
    """`names` are the columns' names, a path such as address.city for one inside a structure.

    `places` are for each the index of its column among those read and the indexes of the fields inside that lead
    to it. `read` are the file's columns to ask for, None for all. `nested` are the names of what is left out.
    """

    names: tuple[str, ...]
    places: tuple[tuple[int, tuple[int, ...]], ...]
    read: tuple[str, ...] | None
    nested: tuple[str, ...]

    def of(self, batch: pa.RecordBatch) -> Iterator[pa.Array]:
        """Yield the columns of a batch, those inside a structure null where it is."""
        for place, path in self.places:
            column = batch.column(place)
            for step in path:
                column = column.flatten()[step]
            yield column


def columns_of(schema: pa.Schema) -> ReadColumns:
    """Choose the columns to read; raises Rejected for a type that no text can be made of, or when none is left."""
    nested: list[str] = []
    for number, column in enumerate(schema, 1):
        if not (is_nested(column.type) or is_flat(column.type)):
            raise refused(
                "unreadable_parquet_column", column=_named(column.name, number), type=type_name(column.type)
            )
    leaves = [[*_leaves(column.type, column.name, (), nested)] for column in schema]
    names = tuple(name for of_column in leaves for name, _ in of_column)
    if len(schema) and not names:
        raise refused("nested_parquet_column", column=_named(schema[0].name, 1), type=type_name(schema[0].type))
    kept = [index for index, of_column in enumerate(leaves) if of_column]
    # Columns are asked for by name only where that spares reading others, and where no name can mean two.
    by_name = bool(nested) and len({name.partition(".")[0] for name in schema.names}) == len(schema.names)
    order = {index: place if by_name else index for place, index in enumerate(kept)}
    places = tuple((order[index], path) for index in kept for _, path in leaves[index])
    read = tuple(schema.names[index] for index in kept) if by_name else None
    return ReadColumns(names, places, read, tuple(nested))


def type_name(type_: pa.DataType) -> str:
    """Name a type without what is inside it: a nested type's text would hold the names of its parts."""
    return str(type_).split("<", maxsplit=1)[0]


def _leaves(
    type_: pa.DataType, name: str, path: tuple[int, ...], nested: list[str]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    if types.is_struct(type_):
        for index in range(type_.num_fields):
            inside = type_.field(index)
            yield from _leaves(inside.type, f"{name}.{inside.name}", (*path, index), nested)
    elif is_nested(type_):
        nested.append(name)
    elif is_flat(type_):
        yield name, path
    else:
        nested.append(name)


def _named(name: str, number: int) -> str:
    """Name a column in a sentence, by its number where its name may be somebody's data."""
    text = shown(name, "")
    return repr(text) if text else str(number)
