"""Tables over text files, read as their SerDes do: the emulator knows no escape and no columns of a JSON table.

OpenCSVSerde has an `escapeChar`; a JSON SerDe returns the table's columns in the table's types, null where an
object lacks one.
https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html and
https://docs.aws.amazon.com/athena/latest/ug/json-serde.html (read 2026-11-30)
"""

from __future__ import annotations

from typing import Any

from ministack.services import athena

from sandbox.emulator.hook import Function, Hook

_RELATION = Hook("ministack.services.athena", "_table_relation", ("table_data", "files"))

HOOKS: tuple[Hook, ...] = (_RELATION,)

_QUOTE_ESCAPES = "escape = '\"'"


def install() -> None:
    """Read such tables by what their SerDe's parameters and columns say."""
    _RELATION.replace(_relation)


def _relation(original: Function) -> Function:
    def relation(table_data: dict[str, Any], files: list[str]) -> Any:
        storage = table_data.get("StorageDescriptor") or {}
        serde = storage.get("SerdeInfo") or {}
        columns = storage.get("Columns") or []
        if athena._data_format(table_data) == "json" and columns and not table_data.get("PartitionKeys"):
            types = ", ".join(f"{_text(one['Name'])}: {_text(_type(one))}" for one in columns)
            return f"read_json({athena._sql_list(files)}, format = 'newline_delimited', columns = {{{types}}})"
        found = original(table_data, files)
        escape = (serde.get("Parameters") or {}).get("escapeChar")
        return found.replace(_QUOTE_ESCAPES, f"escape = {_text(escape)}", 1) if escape else found

    return relation


def _type(column: dict[str, Any]) -> str:
    given = str(column["Type"])
    return given if given.startswith("decimal(") else str(athena._duckdb_type(column))


def _text(value: object) -> str:
    return "'{}'".format(str(value).replace("'", "''"))
