"""The columns that the settings declare of an export, and whether Athena can read its files by them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stacks.context import Reader
from stacks.normalize.mapping_settings import MappingSettings

# https://docs.aws.amazon.com/athena/latest/ug/data-types.html, read 2026-11-30. Lists and objects are left out, as
# the job leaves them out.
_TYPE = re.compile(
    r"boolean|tinyint|smallint|int|bigint|float|double|string|date|timestamp|decimal\((?P<digits>[1-9]\d?),(?P<scale>\d{1,2})\)"
)
_MOST_DIGITS = 38
# https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html, read 2026-11-30
_NAME = re.compile(r"[a-z][a-z0-9_]{0,254}")
_TEXTS = ("csv", "tsv")
_UTF_8 = ("", "utf-8", "utf8", "ascii", "us-ascii")


def read_export_columns(reader: Reader, mapping: MappingSettings) -> Mapping[str, str]:
    """Read the key `columns`: names with their Athena types, in the order of the file's; empty where it is absent.

    What the mapping says of the files decides which types there are, and has to say all that a table must know: a
    table detects nothing.
    """
    given = reader.values("columns")
    for name, type_ in given.items():
        place = f"columns.{name}"
        if not _NAME.fullmatch(name):
            reader.mistake(
                place,
                "a column's name is lower-case letters, digits and underscores, a letter first: Athena's are",
            )
        if not isinstance(type_, str) or not _is_type(type_):
            reader.mistake(
                place,
                "must be a type of Athena: boolean, tinyint, smallint, int, bigint, float, double, decimal(12,2),"
                " string, date or timestamp",
            )
    if given and mapping.path.name:
        _check_files(reader, given, mapping.input)
    return {name: str(type_) for name, type_ in given.items()}


def _is_type(given: str) -> bool:
    found = _TYPE.fullmatch(given)
    if not found or not found["digits"]:
        return found is not None
    return int(found["scale"]) <= int(found["digits"]) <= _MOST_DIGITS


def _check_files(reader: Reader, given: Mapping[str, object], files: Mapping[str, object]) -> None:
    format_ = str(files.get("format", ""))
    if not format_:
        reader.mistake("columns", "the mapping must say input.format: a table does not detect it")
    if format_ not in _TEXTS:
        return
    if format_ == "csv" and not files.get("delimiter"):
        reader.mistake("columns", "the mapping must say input.delimiter: a table does not detect it")
    if str(files.get("encoding", "")).lower().replace("_", "-") not in _UTF_8:
        reader.mistake("columns", "Athena reads text files as UTF-8 only: leave the columns out")
    for name, type_ in given.items():
        # An empty cell in a column of numbers fails the query, and dates are days since 1970:
        # https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html, read 2026-11-30
        if type_ != "string":
            reader.mistake(
                f"columns.{name}",
                "must be string in a text file, where an empty cell of another type fails the query: cast it in"
                " the query, as in try_cast(spend as double)",
            )
