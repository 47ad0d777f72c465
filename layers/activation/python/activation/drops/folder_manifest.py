"""A manifest as this app writes it: Redshift's form, and under a key of its own what is said of the columns.

Redshift's form: https://docs.aws.amazon.com/redshift/latest/dg/loading-data-files-using-manifest.html (read
2026-11-22). A reader that does not know the key passes over it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activation.errors import Rejected
from activation.identifiers.column_map import DATE_ORDERS, Entries

OWN_KEY = "activation"


@dataclass(frozen=True)
class ManifestReading:
    """What a manifest says of its files: `columns` as in `--map`, `date_order` "" if it says none."""

    columns: Entries = ()
    date_order: str = ""


def manifest_text(
    bucket: str, files: Sequence[tuple[str, int]], columns: Entries = (), date_order: str = ""
) -> str:
    """Return a manifest of `files`, each a key of `bucket` and its size in bytes.

    Raises Rejected (bad_columns) when two entries speak of the same column, of which a JSON object keeps one.
    """
    said = dict(columns)
    if len(said) != len(columns):
        raise Rejected("bad_columns", "two entries speak of the same column")
    own = {
        **({"columns": said} if said else {}),
        **({"date_order": date_order} if date_order else {}),
    }
    entries = [{"url": f"s3://{bucket}/{key}", "meta": {"content_length": size}} for key, size in files]
    return json.dumps({"entries": entries, **({OWN_KEY: own} if own else {})}, indent=1, ensure_ascii=False)


def manifest_reading(manifest: Mapping[str, Any]) -> ManifestReading | None:
    """Return what a manifest, parsed from its JSON, says of the columns; None if it says nothing.

    `{"entries": [...], "activation": {"columns": {"Kontakt": "email"}, "date_order": "dmy"}}`. Raises Rejected
    with bad_columns when that key holds anything else.
    """
    own = manifest.get(OWN_KEY)
    if own is None:
        return None
    if not isinstance(own, dict) or set(own) - {"columns", "date_order"}:
        raise _bad('"activation" takes "columns" and "date_order"')
    columns, order = own.get("columns", {}), own.get("date_order", "")
    if not isinstance(columns, dict) or not all(isinstance(right, str) for right in columns.values()):
        raise _bad('"columns" is not an object such as {"Kontakt": "email"}')
    if order not in ("", *DATE_ORDERS):
        raise _bad(f'"date_order" is none of {", ".join(DATE_ORDERS)}')
    return ManifestReading(tuple(columns.items()), order) if columns or order else None


def _bad(what: str) -> Rejected:
    return Rejected("bad_columns", f"in the folder's manifest, {what}")
