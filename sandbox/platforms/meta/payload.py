"""The rows of an upload: read, checked against the limits, and split into valid and invalid ones.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users
(read 2026-11-22).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.platforms.meta.data_source import check_data_source
from sandbox.platforms.meta.errors import GraphError, invalid, missing
from sandbox.platforms.meta.hashed_rows import HashedRows
from sandbox.platforms.meta.members import KEYS, InvalidRow, Schema

MAX_ROWS = 10_000
UNHELPFUL_FROM = 30_000  # thirty thousand rows were once answered with an unknown error instead of the limit's
MAX_SAMPLES = 100
_PROCESSING = "DATA_PROCESSING_OPTIONS"
LIST_STYLE, SINGLE_STYLE = "MULTI_HASHES", "HASHES_OR_USER_IDS"
# The old form: one key as text instead of a list of keys.
SINGLE_KEYS = {
    "EMAIL_SHA256": "EMAIL",
    "PHONE_SHA256": "PHONE",
    "MOBILE_ADVERTISER_ID": "MADID",
    "EMAIL": "EMAIL",
    "PHONE": "PHONE",
    "MADID": "MADID",
    "EXTERN_ID": "EXTERN_ID",
    "UID": "UID",
}


@dataclass(frozen=True)
class Payload:
    """An upload's rows as sent."""

    keys: tuple[str, ...]
    style: str
    rows: list[Any] | HashedRows

    @classmethod
    def of(cls, value: Any) -> Payload:
        """Read the `payload` parameter; raises GraphError if it is not an upload."""
        if value is None:
            raise missing("payload")
        if not isinstance(value, Mapping):
            raise invalid("Param payload must be an object")
        for name in ("schema", "data"):
            if value.get(name) is None:
                raise missing(f"payload[{name}]")
        check_data_source(value.get("data_source"), "payload[data_source]")
        rows = value["data"]
        if not isinstance(rows, list | HashedRows) or not rows:
            raise invalid("Param payload[data] must be a non-empty array")
        keys, style = _schema(value["schema"])
        if "PAGEUID" in keys and len(value.get("page_ids") or ()) != 1:
            raise invalid("PAGEUID needs page_ids with one element")
        if {"UID", "APPUID"} & set(keys) and not value.get("app_ids"):
            raise invalid("UID and APPUID need app_ids")
        return cls(keys, style, rows)

    def cells(self) -> Iterator[str]:
        """Yield the cells of all rows, as sent."""
        for row in self.rows:
            yield from map(str, row if isinstance(row, list) else [row])

    def refuse_values(self, refused: Collection[str]) -> None:
        """Raise GraphError, without naming a row, if a cell of the upload is one of these."""
        for row in self.rows if refused else ():
            if any(cell in refused for cell in (row if isinstance(row, list) else [row])):
                raise invalid("Invalid parameter")

    def checked(self) -> Checked:
        """Pack the rows; raises GraphError if the request as a whole is refused."""
        if len(self.rows) >= UNHELPFUL_FROM:
            raise GraphError(1, "An unknown error occurred", subcode=99, status=500, type=None)
        if len(self.rows) > MAX_ROWS:
            raise GraphError(
                105,
                "The number of parameters exceeded the maximum for this operation",
                type="GraphMethodException",
            )
        schema = Schema(self.keys)
        found = Checked(schema, len(self.rows))
        if self.style == LIST_STYLE and isinstance(self.rows, HashedRows):
            found.valid = self.rows.packed(schema) or []
        if found.valid:
            return found
        for row in self.rows:
            cells = row if isinstance(row, list) else [row] if self.style == SINGLE_STYLE else None
            if cells is None or len(cells) != len(self.keys):
                raise invalid("Each row of payload[data] must have one value for each key of the schema")
            try:
                found.valid.append(schema.pack(cells))
            except InvalidRow as reason:
                found.refuse(row, str(reason))
        return found


@dataclass
class Checked:
    """Split rows: the valid ones packed, the invalid ones counted, with up to a hundred samples."""

    schema: Schema
    received: int
    valid: list[tuple[bytes, bytes]] = field(default_factory=list)
    invalid: int = 0
    samples: dict[str, str] = field(default_factory=dict)

    def refuse(self, row: Any, reason: str) -> None:
        """Count a row as invalid; a sample's key is the row's own JSON."""
        self.invalid += 1
        if len(self.samples) < MAX_SAMPLES:
            self.samples[json.dumps(row, separators=(",", ":"))] = reason


def _schema(value: Any) -> tuple[tuple[str, ...], str]:
    if isinstance(value, str):
        if value not in SINGLE_KEYS:
            raise invalid("Param payload[schema] is not a known key")
        return (SINGLE_KEYS[value],), SINGLE_STYLE
    if not isinstance(value, list) or not value:
        raise invalid("Param payload[schema] must be a key or a non-empty array of keys")
    if any(key not in KEYS for key in value):
        raise invalid("Param payload[schema] holds an unknown key")
    if len(set(value)) != len(value):
        raise invalid("Param payload[schema] holds a key twice")
    processing = {key for key in value if key.startswith(_PROCESSING)}
    if processing and _PROCESSING not in processing:
        raise invalid(f"Param payload[schema] holds {', '.join(sorted(processing))} without {_PROCESSING}")
    return tuple(value), LIST_STYLE
