"""What people say of a file's columns: which field each fills, which to ignore, and what every row has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from activation.errors import Rejected
from activation.identifiers.assign import Told
from activation.identifiers.country_of_row import country_of_row
from activation.identifiers.header_names import fold, senses
from activation.identifiers.headers import SINGLE, Meaning
from activation.identifiers.showable import shown
from activation.identifiers.table import Context, Field, FieldTable
from activation.identifiers.zones import zone_named

IGNORE = "ignore"
# Object metadata of a drop, ASCII text: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
# (read 2026-11-29), which takes 2 KB of it in all.
# Not `columns`: files of SAS CI360 have their number of columns there. Nor `encoding`, where exporters write gzip
# and the like.
COLUMNS_METADATA, DATE_ORDER_METADATA, TIME_ZONE_METADATA = "column-map", "date-order", "time-zone"
ENCODING_METADATA = "text-encoding"
MOST_METADATA_BYTES = 1_800
MOST_MISTAKES = 20  # in one sentence, which travels in the ledger, in events and with dead letters
DATE_ORDERS = ("dmy", "mdy", "ymd")
# Their values are as short as names of columns, "FI" and "CT"; whoever writes country=FI means Finland.
_CODED = frozenset((Meaning.COUNTRY, Meaning.STATE, Meaning.GENDER))
_LONGEST_CODE = 3


Entries = tuple[tuple[str, str], ...]  # what is said of columns, in order: left and right side


def parse(texts: Sequence[str]) -> Entries:
    """Read entries such as "E-MAIL-ADRESSE=email"; raises Rejected and numbers those that are none."""
    entries = tuple((left.strip(), right.strip()) for left, _, right in (text.rpartition("=") for text in texts))
    _raise([f"entry {n} is not COLUMN=FIELD" for n, one in enumerate(entries, 1) if not all(one)])
    return entries


def without(settings: Entries, own: Entries) -> Entries:
    """Return the connector's entries that a drop's own ones leave in force."""
    said = {_folded(left) for left, _ in own}
    return tuple((left, right) for left, right in settings if _folded(left) not in said)


def shown_entries(settings: Entries, own: Entries) -> dict[str, str]:
    """Return the entries in force, the connector's and a drop's own, as far as they cannot be anybody's data."""
    entries = enumerate((*without(settings, own), *own), 1)
    return {shown(left, f"entry {n}"): shown(right, "a value") for n, (left, right) in entries}


def to_metadata(entries: Entries, date_order: str = "", time_zone: str = "", encoding: str = "") -> dict[str, str]:
    """Return entries as object metadata; raises Rejected where they have no room in it."""
    text = urlencode(entries)
    if len(text) > MOST_METADATA_BYTES:
        raise Rejected(
            "bad_columns", "so many columns have no room beside the file; put them in the connector's settings"
        )
    found = {COLUMNS_METADATA: text, DATE_ORDER_METADATA: date_order, TIME_ZONE_METADATA: time_zone}
    found |= {ENCODING_METADATA: encoding}
    return {name: value for name, value in found.items() if value}


def from_metadata(metadata: Mapping[str, str]) -> tuple[Entries, str, str]:
    """Return the entries, the date order and the zone of object metadata; raises Rejected with bad_columns."""
    order, zone = metadata.get(DATE_ORDER_METADATA, ""), metadata.get(TIME_ZONE_METADATA, "")
    try:
        text = metadata.get(COLUMNS_METADATA, "")
        entries = tuple(parse_qsl(text, strict_parsing=True, errors="strict")) if text else ()
    except ValueError:
        raise Rejected("bad_columns", "the object's metadata `column-map` is not URL-encoded text") from None
    if order not in ("", *DATE_ORDERS):
        raise Rejected("bad_columns", f"the object's metadata `date-order` is none of {', '.join(DATE_ORDERS)}")
    if zone and zone_named(zone) is None:
        raise Rejected("bad_columns", "the object's metadata `time-zone` is no IANA name such as Europe/Berlin")
    return entries, order, zone


def told_of(
    table: FieldTable,
    header: Sequence[str],
    own: Entries,
    *,
    settings: Entries = (),
    nested: Sequence[str] = (),
) -> Told:
    """Read entries against a header; raises Rejected with bad_columns and every mistake at once.

    The left side of an entry is a column, by its name or as "column 5", the right side a field: a wire key, a
    meaning such as email, or a column name that is usual for it; or the word ignore. An entry whose left side is
    such a field, and whose right side is a value, gives that value to every row without one. `nested` are the
    columns that hold lists.

    `own` is said of this file: a column that it lacks is a mistake. `settings` is said of all of a connector's
    files, which need not have the same columns; where both speak of a column, the file's own entry counts.
    """
    reader = _Reader(table, header, nested)
    for left, right in without(settings, own):
        reader.read(left, right, may_lack=True)
    for left, right in own:
        reader.read(left, right)
    _raise([*reader.mistakes, *_rivals(header, reader.fields)])
    return Told(reader.fields, frozenset(reader.ignored), reader.constants)


def _rivals(header: Sequence[str], told: Mapping[int, tuple[Field, ...]]) -> list[str]:
    """Return a mistake for each field of which a person has one value, and which two columns are said to be."""
    by_key: dict[str, list[int]] = {}
    for index, fields in sorted(told.items()):
        for one in fields:
            if not SINGLE.isdisjoint(one.means):
                by_key.setdefault(one.key, []).append(index)
    return [
        f"columns {' and '.join(_quoted(header[index]) for index in indexes)} are said to be {key}, of which a "
        "person has one: ignore all but one of them"
        for key, indexes in by_key.items()
        if len(indexes) > 1
    ]


def columns_called(name: str, header: Sequence[str]) -> tuple[int, ...]:
    """Return the indexes of the columns that a name means: spelled so, else folded so, else as "column 5"."""
    exact = [index for index, one in enumerate(header) if one.strip() == name.strip()]
    alike = exact or [index for index, one in enumerate(header) if _folded(one) == _folded(name)]
    alike = alike if _folded(name) else []  # what has no name is called "column 5"
    number = name.strip().lower().removeprefix("column ")
    numbered = number != name.strip().lower() and number.isdecimal() and 0 < int(number) <= len(header)
    return tuple(alike) if alike or not numbered else (int(number) - 1,)


def check_entries(table: FieldTable, entries: Mapping[str, str], *, are_columns: bool = False) -> list[str]:
    """Return what is wrong with entries whatever a file's header is: one sentence each.

    `are_columns` says that every left side is a column: what is no field is then told so, not that it is no value.
    """
    mistakes = []
    for left, right in entries.items():
        if fold(right) == IGNORE or _fields(table, right):
            continue
        if fields := _fields(table, left):
            found = _Reader(table, (), ()).value_mistakes(fields, left, right)
            mistakes += [_unknown(table, left, right)] if found and are_columns else found
        else:
            mistakes.append(_unknown(table, left, right))
    return mistakes


@dataclass
class _Reader:
    """Entries read one by one; what is wrong with them gathers in `mistakes`."""

    table: FieldTable
    header: Sequence[str]
    nested: Sequence[str]
    fields: dict[int, tuple[Field, ...]] = field(default_factory=dict)
    ignored: set[int] = field(default_factory=set)
    constants: dict[str, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def read(self, left: str, right: str, *, may_lack: bool = False) -> None:
        """Read one entry; `may_lack`: the file need not have its column."""
        columns = columns_called(left, self.header)
        if fold(right) == IGNORE:
            self._say(columns, left, ())  # a column that is not there is ignored already
            return
        wanted, given = _fields(self.table, right), _fields(self.table, left)
        # Where the right side names a field, the left one is a column, be it missing: Vorname=first_name.
        code = not {*given} & {*wanted} and _is_code(given, left, right)
        if code and wanted and columns and any(Meaning.STATE in one.means for one in given):
            means = " or ".join(dict.fromkeys(meaning.value for one in wanted for meaning in one.means))
            self.mistakes.append(
                f"{_quoted(right)} is a field and may be a value of {_quoted(left)}: say {means} for the field"
            )
        elif given and (not wanted or code):
            self._constant(given, left, right, is_column=bool(columns))
        elif not wanted:
            self.mistakes.append(_unknown(self.table, left, right))
        elif columns:
            self._say(columns, left, wanted)
        elif fold(left) in {fold(name) for name in self.nested}:
            self.mistakes.append(f"column {_quoted(left)} holds lists, which cannot be sent")
        elif not may_lack:
            self.mistakes.append(f"no column of the header is called {_quoted(left)}")

    def _say(self, columns: Sequence[int], left: str, fields: tuple[Field, ...]) -> None:
        for index in columns:
            before = self.fields.get(index)
            if (before is not None and before != fields) or (index in self.ignored and fields):
                self.mistakes.append(f"column {_quoted(left)} has two meanings")
            elif fields:
                self.fields[index] = fields
            else:
                self.ignored.add(index)

    def _constant(self, fields: tuple[Field, ...], left: str, right: str, *, is_column: bool) -> None:
        found = self.value_mistakes(fields, left, right)
        is_value = not any(one.identifies and not one.together for one in fields)
        unknown = f"{_unknown(self.table, left, right)}{_such_as(fields) if is_value else ''}"
        self.mistakes += [unknown] if found and is_column else found
        if not found:
            self.constants |= {one.key: right for one in fields}

    @staticmethod
    def value_mistakes(fields: tuple[Field, ...], left: str, right: str) -> list[str]:
        """Return what is wrong with a constant."""
        if any(one.identifies and not one.together for one in fields):
            return [f"{_quoted(left)} cannot be the same in every row: all rows would be one person"]
        if all(one.rule.value(right, Context())[0] is None for one in fields):
            return [f"{_quoted(right)} is neither a field nor a value of {_quoted(left)}{_such_as(fields)}"]
        return []


def _folded(name: str) -> str:
    """Return a name as it is compared; one of signs alone is that one only."""
    return fold(name) or name.strip()


def _fields(table: FieldTable, name: str) -> tuple[Field, ...]:
    """Return the fields that people call so, be it the country of a row that is not sent."""
    found = tuple(one for one in table.named(name) if one.from_column)
    if not found and (
        name.lower() == Meaning.COUNTRY or any(one.meaning is Meaning.COUNTRY for one in senses(name))
    ):
        return country_of_row(table)
    return found


def _is_code(fields: tuple[Field, ...], left: str, right: str) -> bool:
    """Return whether the right side may be a value: Region=ST names a column, and only state=CT a state."""
    return len(right) <= _LONGEST_CODE and any(
        fold(left) in (fold(one.key), *map(fold, one.means))
        and not _CODED.isdisjoint(one.means)
        and one.rule.value(right, Context())[0] is not None
        for one in fields
    )


def _such_as(fields: tuple[Field, ...]) -> str:
    """Return the end of a sentence that says which values a field has."""
    return next((f"; a value is such as {one.example!r} ({one.rule.name})" for one in fields if one.example), "")


def _unknown(table: FieldTable, left: str, right: str) -> str:
    known = ", ".join(
        dict.fromkeys(meaning.value for one in (*table.fields, *country_of_row(table)) for meaning in one.means)
    )
    return (
        f"{_quoted(right)}, which {_quoted(left)} is to be, is no field of {table.platform}"
        f" (there are {known}, and {IGNORE})"
    )


def _quoted(text: str) -> str:
    """Return a side of an entry for a sentence: anybody may write an object's metadata, and anything into it."""
    return repr(shown(text, f"({len(text)} characters)"))


def _raise(mistakes: Sequence[str]) -> None:
    if mistakes:
        more = len(mistakes) - MOST_MISTAKES
        rest = [f"and {more} more mistakes"] if more > 0 else []
        raise Rejected("bad_columns", "; ".join((*mistakes[:MOST_MISTAKES], *rest)))
