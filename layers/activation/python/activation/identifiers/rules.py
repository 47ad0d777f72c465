"""Rules that are a function of one cell; columns run them once per distinct value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.table import Context
from activation.identifiers.widths import shapes

# The normalised value, or the code that says why there is none.
Result = tuple[str | None, str | None]


@dataclass(frozen=True)
class PerValue:
    """A rule without a columnar form: names, places, dates repeat, so distinct values are few.

    `by_country` says that the country matters, a row's own before the default one; see row_country.py.
    `reads_dates` says that the order of day, month and year matters.
    """

    name: str
    normalize: Callable[[str, Context], Result]
    by_country: bool = False
    reads_dates: bool = False

    def value(self, text: str, context: Context) -> Result:
        """Normalise one cell."""
        return self.normalize(text, context)

    def clean(self, values: pa.Array, context: Context) -> pa.Array | None:
        """Return None: there is no columnar form."""
        return None

    def told_by_country(self, values: pa.Array) -> pa.Array:
        """Mask all cells: each may depend on the country."""
        return pc.is_valid(values)

    def country_of_row(self, named: str | None, default: str) -> str:
        """Return the row's country; "" where it names one that nobody knows, which is not the default one."""
        return default if named is None else named


def matching(values: pa.Array, pattern: str, shape: bytes = b"") -> pa.Array:
    """Return the values that match, null for the others: a column's cells that are plainly fine.

    `shape` is a table of bytes.maketrans that makes a column's many values few shapes; the pattern matches a value
    exactly if it matches its shape.
    """
    if shape:
        found = shapes(values, shape)
        matches = pc.match_substring_regex(found.dictionary, pattern).take(found.indices)
    else:
        matches = pc.match_substring_regex(values, pattern)
    if pc.all(matches, min_count=0).as_py():
        return values
    return pc.if_else(matches, values, pa.scalar(None, pa.string()))
