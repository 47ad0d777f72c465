"""Rules that are a function of one cell; columns run them once per distinct value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from activation.identifiers.table import Context

# The normalised value, or the code that says why there is none.
Result = tuple[str | None, str | None]


@dataclass(frozen=True)
class PerValue:
    """A rule without a columnar form: names, places, dates repeat, so distinct values are few.

    `by_country` says that the country matters, a row's own before the default one.
    """

    name: str
    normalize: Callable[[str, Context], Result]
    by_country: bool = False

    def value(self, text: str, context: Context) -> Result:
        """Normalise one cell."""
        return self.normalize(text, context)

    def clean(self, values: pa.Array, context: Context) -> pa.Array | None:  # noqa: ARG002 - the protocol's
        """Return None: there is no columnar form."""
        return None
