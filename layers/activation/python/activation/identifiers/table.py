"""Field tables: a platform's identifiers as data, and the columns of a file mapped onto them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from activation.identifiers.event_rules import EventRules
from activation.identifiers.header_names import fold, senses
from activation.identifiers.headers import Meaning

if TYPE_CHECKING:  # a function that only locates drops does without Arrow
    import pyarrow as pa

    from activation.identifiers.countries_of_cells import Countries


class Digest(StrEnum):
    """How a normalised value travels."""

    SHA256_HEX = "sha256_hex"
    SHA256_BASE64 = "sha256_base64"
    MD5_HEX = "md5_hex"
    PLAIN = "plain"

    @property
    def width(self) -> int:
        """How many characters a value has; 0 where it has its own."""
        return {Digest.SHA256_HEX: 64, Digest.SHA256_BASE64: 44, Digest.MD5_HEX: 32, Digest.PLAIN: 0}[self]


@dataclass(frozen=True)
class Context:
    """What a rule may know besides the value.

    `default_country` is an ISO 3166-1 alpha-2 code in upper case, or "" when none is configured: then a
    national phone number is unusable. `placeholders` are normalised values that mean "nobody"
    (test@test.com); they are left out with a code of their own, hashed or plain. `date_order` says how dates are
    written whose numbers could be swapped: "dmy", "mdy" or "ymd", or "" where the default country says it.
    `time_zone` is the IANA name of the zone of times that have none themselves, "" where such times are unusable.
    """

    default_country: str = ""
    placeholders: frozenset[str] = frozenset()
    date_order: str = ""
    time_zone: str = ""


class Rule(Protocol):
    """One normalisation, in its scalar form and, where speed asks for it, in a columnar one.

    `name` says the rule in a few words, for people. Callers use `identify` and `identify_value`, which take
    care of what is the same for every rule: blank cells, words for "no value", digests in a raw drop.
    """

    @property
    def name(self) -> str:
        """The rule in a few words."""
        ...

    def value(self, text: str, context: Context) -> tuple[str | None, str | None]:
        """Normalise one cell that is not blank: (normalised, None) or (None, code). Never raises."""
        ...

    def clean(self, values: pa.Array, context: Context) -> pa.Array | None:
        """Normalise with kernels the cells that are plainly fine: a string array, null where not sure.

        Gives None when the rule has no columnar form. A cell it normalises is neither blank nor a word for
        "no value" nor a digest, and `value` gives the same; cells it leaves null go to `value` one by one.
        """
        ...


@runtime_checkable
class Refuses(Protocol):
    """A rule whose kernels also tell why cells are none: a drop may hold as many of these as of the others."""

    def clean_or_refuse(self, values: pa.Array, context: Context) -> tuple[pa.Array, pa.Array]:
        """Return what `clean` gives, and the code that `value` gives for cells that are surely none.

        A cell with a code is neither blank nor a word for "no value", nor damaged, nor a digest.
        """
        ...


@runtime_checkable
class RefusesEach(Protocol):
    """The same of a rule that reads each cell by a country of its own, and those of all countries at once."""

    def clean_or_refuse_each(self, values: pa.Array, countries: Countries) -> tuple[pa.Array, pa.Array]:
        """Return what `clean_or_refuse` gives for each cell with its country as the default one."""
        ...


@dataclass(frozen=True)
class Field:
    """One row of a platform's table.

    `key` is the name on the wire. `synonyms` are the platform's own further names for it, compared folded (see
    header_names.py). `identifies` says that a row with this cell alone names a person; a
    row with none such, and with no set of the table's `naming`, is rejected. `together` names a set of fields that
    count only when a row has all of them (the parts of an address), "" for a field that counts alone; where the
    fields of a set are marked as identifying, the whole set is what identifies. `required` says that the platform
    wants the field in every row. `source` is the page the rule follows and `read` the date it was read, as
    YYYY-MM-DD.
    `blank_with_others` is False where the platform refuses a blank cell in a column that other rows of the same
    request fill. `from_column` is False where a column of a file cannot fill the field, since the request has to
    carry more than the row (the id of an app or a page). `means` is what a column has to mean to fill the field,
    the preferred meaning first: a birth year before a whole date of birth. `further` is how many more
    values of one person can be sent where several columns have them: each in a line of its own, or, of an event,
    in the same one, as a list. `max_bytes` is
    how long a cell may be, in UTF-8, 0 for what is usual of identifiers. `example` is a value that all rows of a
    file may have, for people who are told that it is missing, "" where each row has its own.
    """

    key: str
    rule: Rule
    digest: Digest
    source: str
    read: str
    synonyms: tuple[str, ...] = ()
    identifies: bool = False
    together: str = ""
    required: bool = False
    blank_with_others: bool = True
    from_column: bool = True
    means: tuple[Meaning, ...] = ()
    further: int = 0
    max_bytes: int = 0
    example: str = ""


@dataclass(frozen=True)
class FieldTable:
    """A platform's fields, in the order they take on the wire.

    `singles` maps the identifier type of a single-column drop (upper case, aliases included) to a field's key.
    `naming` are sets of keys of which none names a person by itself: a row that fills a whole set does.
    `hashed_as` is what drops of digests are declared as where it has to be said whose digests they are, none for
    `hashed`. `events` are the rules of a platform that is sent events, None for one that is sent people.
    """

    platform: str
    fields: tuple[Field, ...]
    singles: tuple[tuple[str, str], ...] = ()
    naming: tuple[frozenset[str], ...] = ()
    hashed_as: tuple[str, ...] = ()
    events: EventRules | None = None

    @property
    def together(self) -> dict[str, tuple[str, ...]]:
        """The wire keys of each set of fields that count only together, by the set's name."""
        sets: dict[str, tuple[str, ...]] = {}
        for one in self.fields:
            if one.together:
                sets[one.together] = (*sets.get(one.together, ()), one.key)
        return sets

    def can_identify(self, keys: Collection[str]) -> bool:
        """Return whether rows that fill these wire keys can name a person: by a field alone, or by a whole set."""
        if self.events is not None:
            return self.events.can_identify(keys)
        return any(one <= {*keys} for one in self.naming) or any(
            one.identifies and set(self.together.get(one.together, ())) <= {*keys}
            for one in self.fields
            if one.key in keys
        )

    def field(self, key: str) -> Field:
        """Return the field of a wire key; KeyError when there is none."""
        for one in self.fields:
            if one.key == key:
                return one
        raise KeyError(key)

    def requiring(self, key: str) -> FieldTable:
        """Return the table with the field of this wire key required in every row."""
        return replace(
            self, fields=tuple(replace(one, required=True) if one.key == key else one for one in self.fields)
        )

    def columns(self, header: Sequence[str]) -> tuple[dict[int, tuple[Field, ...]], list[str]]:
        """Map a header by its names alone: (column index -> the fields it fills; names of the unused columns)."""
        from activation.identifiers.assign import assign  # it imports this module

        mapped: dict[int, tuple[Field, ...]] = {}
        known = {one.key for one in self.fields}
        for key, uses in assign(self, header).uses.items():
            for use in uses if key in known else ():
                mapped[use.index] = (*mapped.get(use.index, ()), self.field(key))
        return mapped, [name for index, name in enumerate(header) if index not in mapped]

    def find(self, name: str) -> Field | None:
        """Return the field that a column name or a wire key means, the first one where it means several."""
        found = self.named(name)
        return found[0] if found else None

    def named(self, name: str) -> tuple[Field, ...]:
        """Return the fields that a person calls by a wire key, a synonym, a meaning or a column's usual name.

        A name that may mean several things means its first one here; a whole date of birth fills up to three
        fields.
        """
        own = self.called(name)
        if own:
            return own
        found = sorted(senses(name), key=lambda one: not one.sure)
        meanings = [Meaning(name.lower())] if name.lower() in set(Meaning) else [one.meaning for one in found]
        for meaning in meanings:
            if fields := tuple(one for one in self.fields if meaning in one.means):
                return fields
        return ()

    def called(self, name: str) -> tuple[Field, ...]:
        """Return the fields whose wire key or synonym a name is."""
        wanted = fold(name)
        return tuple(one for one in self.fields if wanted in (fold(known) for known in (one.key, *one.synonyms)))
