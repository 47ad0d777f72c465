"""An audience's members, packed so that three million fit in a simulator's memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

# https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users
# (read 2026-11-22).
HASHED = ("EMAIL", "PHONE", "GEN", "DOBY", "DOBM", "DOBD", "LN", "FN", "FI", "CT", "ST", "ZIP", "COUNTRY")
PLAIN = ("MADID", "EXTERN_ID", "PAGEUID", "UID", "APPUID")
ATTRIBUTES = (
    "LOOKALIKE_VALUE",
    "DATA_PROCESSING_OPTIONS",
    "DATA_PROCESSING_OPTIONS_COUNTRY",
    "DATA_PROCESSING_OPTIONS_STATE",
)
KEYS = HASHED + PLAIN + ATTRIBUTES
# https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/data-processing-options
# (read 2026-09-12).
_PROCESSING: dict[str, tuple[Any, ...]] = {
    "DATA_PROCESSING_OPTIONS": ([], ["LDU"]),
    "DATA_PROCESSING_OPTIONS_COUNTRY": (0, 1),
    "DATA_PROCESSING_OPTIONS_STATE": (0, 1000),
}
_BIT = {key: 1 << place for place, key in enumerate(HASHED + PLAIN)}
_MASK_BYTES = 3
_PLAIN_MASK = sum(_BIT[key] for key in PLAIN)


class InvalidRow(Exception):
    """A row that Meta counts as invalid; the argument is Meta's reason."""


class Packed(NamedTuple):
    """A row in two parts: the identifiers of the person, and attributes, which do not distinguish people."""

    person: bytes
    attributes: bytes


class Schema:
    """Checks, packs and unpacks the rows of one schema, whose keys are in the sender's order."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        place = {key: index for index, key in enumerate(self.keys)}
        self._hashed = [(_BIT[key], place[key]) for key in HASHED if key in place]
        self._plain = [(_BIT[key], place[key], key) for key in PLAIN if key in place]
        self._attributes = [(place[key], key) for key in ATTRIBUTES if key in place]

    @property
    def is_hashed(self) -> bool:
        """Return whether all keys are hashed ones."""
        return len(self._hashed) == len(self.keys)

    def layout(self, filled: Sequence[bool]) -> tuple[bytes, list[slice]]:
        """Return the mask of a person whose cells are filled as told, all hashed, and where its hashes are.

        They are so in the row's hashes in their order, without the empty cells; the mask is b"" where none is.
        """
        ends = list(accumulate(32 * here for here in filled))
        mask, runs = 0, list[slice]()
        for bit, index in self._hashed:
            if filled[index]:
                mask |= bit
                first = ends[index] - 32
                if runs and runs[-1].stop == first:
                    first = runs.pop().start
                runs.append(slice(first, ends[index]))
        return mask.to_bytes(_MASK_BYTES, "big") if mask else b"", runs

    def pack(self, row: Sequence[Any]) -> Packed:
        """Return a row, as sent, packed; raises InvalidRow if Meta would count it as invalid."""
        mask, hashes = 0, []
        for bit, index in self._hashed:
            if (cell := row[index]) != "":
                mask |= bit
                hashes.append(cell)
        person = _hash_bytes(hashes)
        if self._plain:
            mask, plain = self._pack_plain(row, mask)
            person += plain
        if mask == 0:
            raise InvalidRow("empty row")
        attributes = self._pack_attributes(row) if self._attributes else b""
        return Packed(mask.to_bytes(_MASK_BYTES, "big") + person, attributes)

    def _pack_plain(self, row: Sequence[Any], mask: int) -> tuple[int, bytes]:
        cells = []
        for bit, index, key in self._plain:
            cell = row[index]
            if cell == "" and key == "EXTERN_ID":
                raise InvalidRow("empty external ID")
            if not isinstance(cell, str | int) or isinstance(cell, bool):
                raise InvalidRow("invalid value")
            if cell != "":
                mask |= bit
                cells.append(cell)
        return mask, _json(cells) if cells else b""

    def _pack_attributes(self, row: Sequence[Any]) -> bytes:
        for index, key in self._attributes:
            if key == "LOOKALIKE_VALUE" and not _is_value(row[index]):
                raise InvalidRow("invalid lookalike value")
            if key in _PROCESSING and row[index] not in _PROCESSING[key]:
                raise InvalidRow("invalid data processing options")
        return _json([row[index] for index, _ in self._attributes])

    def unpack(self, packed: Packed) -> list[Any]:
        """Return the row as it was sent."""
        row: list[Any] = [""] * len(self.keys)
        mask, at = int.from_bytes(packed.person[:_MASK_BYTES], "big"), _MASK_BYTES
        for bit, index in self._hashed:
            if mask & bit:
                row[index] = packed.person[at : at + 32].hex()
                at += 32
        plain = iter(json.loads(packed.person[at:]) if len(packed.person) > at else ())
        for bit, index, _ in self._plain:
            if mask & bit:
                row[index] = next(plain)
        attributes = json.loads(packed.attributes) if packed.attributes else ()
        for (index, _), value in zip(self._attributes, attributes, strict=True):
            row[index] = value
        return row


class Members:
    """The people of one audience; adding a person twice changes nothing, whatever the order of the keys."""

    def __init__(self) -> None:
        self._schemas: list[Schema] = []
        self._people: dict[bytes, int | tuple[int, bytes]] = {}  # person -> number of the schema, and attributes

    def __len__(self) -> int:
        return len(self._people)

    def add(self, schema: Schema, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Add people, or update the attributes of existing ones; `rows` are the two parts of packed ones."""
        number = self._number(schema)
        for person, attributes in rows:
            self._people[person] = (number, attributes) if attributes else number

    def meant(self, rows: Sequence[tuple[bytes, bytes]]) -> set[bytes]:
        """Return the members that `rows` identify: by the same cells, else by any identifier of a single person.

        People may be removed with other columns than they were added with: Meta matches people, not rows.
        """
        named = {person for person, _ in rows}
        found = named & self._people.keys()
        wanted = {one for person in named - found for one in _identifiers(person)}
        if wanted:
            found |= {person for person in self._people if not wanted.isdisjoint(_identifiers(person))}
        return found

    def remove(self, people: set[bytes]) -> None:
        """Remove members."""
        for person in people:
            del self._people[person]

    def schemas(self) -> list[tuple[str, ...]]:
        """Return the schemas that members were sent with."""
        return [schema.keys for schema in self._schemas]

    def rows(self) -> Iterator[list[Any]]:
        """Yield every member as it was sent, schema after schema."""
        people = list(self._people.items())
        for wanted, schema in enumerate(self._schemas):
            for person, value in people:
                number, attributes = value if isinstance(value, tuple) else (value, b"")
                if number == wanted:
                    yield schema.unpack(Packed(person, attributes))

    def counts(self) -> list[int]:
        """Return the number of members of each schema, in the order of `schemas`."""
        if len(self._schemas) == 1:
            return [len(self._people)]
        counts = [0] * len(self._schemas)
        for value in self._people.values():
            counts[value[0] if isinstance(value, tuple) else value] += 1
        return counts

    def _number(self, schema: Schema) -> int:
        for number, known in enumerate(self._schemas):
            if known.keys == schema.keys:
                return number
        self._schemas.append(schema)
        return len(self._schemas) - 1


def _identifiers(person: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the identifiers that name a single person: e-mail, phone, and those that are not hashed."""
    mask, at = int.from_bytes(person[:_MASK_BYTES], "big"), _MASK_BYTES
    for bit in (_BIT["EMAIL"], _BIT["PHONE"]):  # the first two hashes, if present
        if mask & bit:
            yield bit, person[at : at + 32]
            at += 32
    if plain := mask & _PLAIN_MASK:
        yield plain, person[_MASK_BYTES + 32 * (mask ^ plain).bit_count() :]


def _hash_bytes(hashes: list[Any]) -> bytes:
    """Return SHA-256 digits as bytes; 64 lower-case hexadecimal digits are the only form Meta documents."""
    try:
        text = "".join(hashes)
        packed = bytes.fromhex(text)
    except (TypeError, ValueError):
        raise InvalidRow("invalid hash") from None
    if packed.hex() != text or any(len(one) != 64 for one in hashes):
        raise InvalidRow("invalid hash")
    return packed


def _is_value(cell: Any) -> bool:
    if isinstance(cell, str):
        try:
            cell = float(cell)
        except ValueError:
            return False
    return isinstance(cell, int | float) and not isinstance(cell, bool) and 0 <= cell < float("inf")


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
