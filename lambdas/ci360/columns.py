"""The metadata file: the names of the data file's columns, in either of the two forms CI360 has written it in.

The newer form is a JSON array of objects with `columnName`, the older one a CSV line. Both are read by SAS's own
connectors: https://github.com/sassoftware/ci360-extensions, `code/ci360-*` (read 2026-11-22).
"""

from __future__ import annotations

import csv
import io
import json

from activation.errors import Rejected

MAX_BYTES = 1024 * 1024
MAX_COLUMNS = 2000
MAX_NAME = 256


def read_columns(content: bytes) -> tuple[str, ...]:
    """Return the column names; raises Rejected with a code, never with a name."""
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise Rejected("metadata_not_utf8", "the metadata file is not UTF-8") from None
    if not text:
        raise Rejected("metadata_empty", "the metadata file is empty")
    names = _from_json(text) if text[0] in "[{" else _from_csv(text)
    _check(names)
    return tuple(names)


def header_line(names: tuple[str, ...], line_end: str) -> bytes:
    """Write the header row, each name quoted where CSV asks for it."""
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerow(names)
    return text.getvalue().encode()


def _from_json(text: str) -> list[str]:
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        raise Rejected("metadata_not_json", "the metadata file begins like JSON and is none") from None
    if not isinstance(listed, list):
        raise Rejected("metadata_not_array", "the metadata file is no JSON array of columns")
    names: list[str] = []
    for number, column in enumerate(listed, start=1):
        name = column.get("columnName") if isinstance(column, dict) else None
        if not isinstance(name, str):
            raise Rejected("metadata_no_name", f"column {number} of the metadata file has no columnName")
        names.append(name)
    return names


def _from_csv(text: str) -> list[str]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error:
        raise Rejected("metadata_not_csv", "the metadata file is neither JSON nor one line of CSV") from None
    if len(lines) != 1:
        raise Rejected("metadata_not_one_line", f"the metadata file has {len(lines)} lines, not one header line")
    return lines[0]


def _check(names: list[str]) -> None:
    if not names:
        raise Rejected("metadata_empty", "the metadata file names no column")
    if len(names) > MAX_COLUMNS:
        raise Rejected("metadata_many_columns", f"the metadata file names more than {MAX_COLUMNS} columns")
    seen: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            raise Rejected(
                "metadata_bad_name",
                f"the name of column {number} is blank, longer than {MAX_NAME} characters or not printable",
            )
        first = seen.setdefault(name.strip().casefold(), number)
        if first != number:
            raise Rejected("metadata_duplicate_column", f"columns {first} and {number} have the same name")
