"""What people say of a file's columns, held against the file before it is uploaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activation.identifiers.column_map import Entries
    from activation.model import Kind

    from cli.connectors import NamedConnector


def check_against(file: Path, named: NamedConnector, kind: Kind, said: Entries) -> None:
    """Map the file's header as the connector would; raises Rejected with all that is wrong."""
    from activation.drops.columns import map_columns
    from activation.drops.open import open_drop
    from activation.drops.source import FileSource
    from activation.errors import Rejected
    from activation.identifiers.column_map import merged
    from activation.runs.settings import DELIMITERS

    if kind.single is not None:
        raise Rejected("bad_columns", "a list of one identifier type has no columns to map")
    delimiter = str(named.settings.get("delimiter") or "")
    reader = open_drop(
        FileSource(file),
        declared_encoding=str(named.settings.get("encoding") or "") or None,
        declared_delimiter=DELIMITERS.get(delimiter, delimiter) or None,
    )
    entries = merged(dict(named.settings.get("columns") or ()), said)
    map_columns(named.platform.table, reader.header, kind, entries, reader.nested)
