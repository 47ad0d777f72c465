"""Field tables: a platform's identifiers as data, and the columns of a file mapped onto them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import pyarrow as pa


class Digest(StrEnum):
    """How a normalised value travels."""

    SHA256_HEX = "sha256_hex"
    SHA256_BASE64 = "sha256_base64"
    MD5_HEX = "md5_hex"
    PLAIN = "plain"


@dataclass(frozen=True)
class Context:
    """What a rule may know besides the value.

    `default_country` is an ISO 3166-1 alpha-2 code in upper case, or "" when none is configured: then a
    national phone number is unusable. `placeholders` are normalised values that mean "nobody"
    (test@test.com); they are left out with a code of their own, hashed or plain.
    """

    default_country: str = ""
    placeholders: frozenset[str] = frozenset()


class Rule(Protocol):
    """One normalisation, in its columnar and its scalar form, which agree on every text.

    Both give the normalised value, or a stable code that says why there is none. A blank cell gives neither:
    it is absent, not wrong.
    """

    name: str

    def column(self, values: pa.Array, context: Context) -> tuple[pa.Array, pa.Array]:
        """Normalise a string array: (normalised or null, code or null), both strings of the same length."""
        ...

    def value(self, text: str, context: Context) -> tuple[str | None, str | None]:
        """Normalise one text: (normalised, None), (None, code), or (None, None) for a blank one."""
        ...


@dataclass(frozen=True)
class Field:
    """One row of a platform's table.

    `key` is the name on the wire. `synonyms` are column names in files that mean this field (compared by
    `column_name`, so case, spaces, hyphens and underscores do not matter). `identifies` says that a row with
    this cell alone names a person; a row with none such is rejected. `source` is the page the rule follows and
    `read` the date it was read, as YYYY-MM-DD. `blank_with_others` is False where the platform refuses a blank
    cell in a column that other rows of the same request fill.
    """

    key: str
    rule: Rule
    digest: Digest
    source: str
    read: str
    synonyms: tuple[str, ...] = ()
    identifies: bool = False
    blank_with_others: bool = True


@dataclass(frozen=True)
class FieldTable:
    """A platform's fields, in the order they take on the wire.

    `singles` maps the identifier type of a single-column drop (upper case, aliases included) to a field's key.
    """

    platform: str
    fields: tuple[Field, ...]
    singles: tuple[tuple[str, str], ...] = ()

    def field(self, key: str) -> Field:
        """Give the field of a wire key; KeyError when there is none."""
        for one in self.fields:
            if one.key == key:
                return one
        raise KeyError(key)

    def columns(self, header: Sequence[str]) -> tuple[dict[int, Field], list[str]]:
        """Map a file's columns: (column index -> field, in wire order; names of the columns nobody knows).

        A name fits a field by its key or a synonym. The first column that fits a field wins; a second one for
        the same field counts as unknown.
        """
        known = {column_name(name): one for one in self.fields for name in (one.key, *one.synonyms)}
        taken: dict[str, int] = {}
        unknown = []
        for index, name in enumerate(header):
            fits = known.get(column_name(name))
            if fits is None or fits.key in taken:
                unknown.append(name)
            else:
                taken[fits.key] = index
        return {taken[one.key]: one for one in self.fields if one.key in taken}, unknown


def column_name(name: str) -> str:
    """Reduce a header cell to what is compared: letters and digits, lower case."""
    return "".join(c for c in name.casefold() if c.isalnum())
