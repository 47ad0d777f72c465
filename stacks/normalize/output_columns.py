"""Which columns the drops of a mapping can have, as far as that is known before an export is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from activation.identifiers.table import Field
from activation.platforms.discovery import fields_of

from stacks.normalize.mapping_settings import MappingSettings

_NAME = re.compile(r"[\w -]{1,255}")  # others cannot be a table's columns
IGNORE = "ignore"


def output_columns(mapping: MappingSettings) -> tuple[str, ...]:
    """Return the names in lower case, as the catalogue has them.

    Of a hashed drop they are all that the platform takes, of others what the mapping names: columns that an export
    has besides and that are recognised by their names are not among them.
    """
    document = json.loads(mapping.path.read_bytes())
    named = (name.lower() for name in _names(mapping, document))
    return tuple(dict.fromkeys(name for name in named if _NAME.fullmatch(name)))


def _names(mapping: MappingSettings, document: dict[str, Any]) -> Iterator[str]:
    table = fields_of(mapping.platform).table
    if mapping.identifiers == "hashed":
        for field in table.fields:
            yield from _hashed(field)
    elif "group_by" in document:
        yield from document["group_by"]
        yield from document.get("aggregates", {})
    else:
        yield from document.get("derived", {})
        yield from (name for name, of in document.get("columns", {}).items() if str(of).lower() != IGNORE)
    if table.events is not None:
        yield table.events.id
    consent = document.get("consent", {}).get("column", ())
    yield from (consent,) if isinstance(consent, str) else consent


def _hashed(field: Field) -> Iterator[str]:
    """Yield what columns of a field can be called: see glue_scripts/normalize/hashed_names.py."""
    yield field.key
    for place in range(2, field.further + 2):
        yield f"{field.key}_{place}"
        if field.means:
            yield f"{field.means[0]}_{place}_sha256"
