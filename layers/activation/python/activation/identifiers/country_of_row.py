"""The country of each row as a field of its own, for platforms that read cells by it and are not sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activation.identifiers.codes import Code
from activation.identifiers.headers import Meaning
from activation.identifiers.table import Context, Digest, Field, FieldTable

if TYPE_CHECKING:  # the settings are read without Arrow
    import pyarrow as pa

COUNTRY_OF_ROW = "country of phone numbers"  # what people see in the place of a wire key


class _Known:
    """A country that is known by a code or a name; it is never sent."""

    name = "ISO code or name of a country"

    def value(self, text: str, context: Context) -> tuple[str | None, str | None]:
        """Return the country's code, upper case."""
        from activation.identifiers.countries import country_code

        found = country_code(text)
        return (found, None) if found else (None, Code.UNKNOWN_COUNTRY)

    def clean(self, values: pa.Array, context: Context) -> None:
        """Have no columnar form: the rules that read by country take the raw cells."""


_FIELD = Field(COUNTRY_OF_ROW, _Known(), Digest.PLAIN, source="", read="", means=(Meaning.COUNTRY,))


def reads_by_country(one: Field) -> bool:
    """Return whether a field's cells may be read by their row's country."""
    return bool(getattr(one.rule, "by_country", False))


def country_of_row(table: FieldTable) -> tuple[Field, ...]:
    """Return the field that is not sent, where a platform reads cells by country and is sent none."""
    if any(Meaning.COUNTRY in one.means for one in table.fields) or not any(map(reads_by_country, table.fields)):
        return ()
    return (_FIELD,)
