"""The countries by which the cells of a column are read."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Countries:
    """The country of each cell: `names` are ISO alpha-2 codes in upper case or "", sorted; `places` are int32."""

    names: tuple[str, ...]
    places: pa.Array

    @classmethod
    def one(cls, name: str, count: int) -> Countries:
        """Return the same country for all cells."""
        return cls((name,), pa.repeat(pa.scalar(0, pa.int32()), count))

    @classmethod
    def of(cls, names: pa.Array) -> Countries:
        """Return those of a string array without nulls."""
        sorted_names = sorted(pc.unique(names).to_pylist())
        return cls(tuple(sorted_names), pc.index_in(names, value_set=pa.array(sorted_names, pa.string())))

    def among(self, cells: pa.Array) -> Countries:
        """Return the countries of the cells in a mask."""
        return Countries(self.names, self.places.filter(cells))

    def take(self, cells: pa.Array) -> Countries:
        """Return the countries of the cells at these places."""
        return Countries(self.names, self.places.take(cells))

    def each(self, values: list[object], kind: pa.DataType) -> pa.Array:
        """Return for each cell the value of its country; `values` has one for each name."""
        return pa.array(values, kind).take(self.places)

    def named(self) -> pa.Array:
        """Mask the cells that have a country."""
        if "" not in self.names:
            return pa.repeat(pa.scalar(True), len(self.places))
        return pc.not_equal(self.places, self.names.index(""))
