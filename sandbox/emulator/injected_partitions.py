"""Athena's injected partitions: the emulator knows partitions by `key=value` folders alone.

A partition key of the type `injected` has the values that the query says, and each names a folder by the table's
`storage.location.template`. A query without a value is refused.
https://docs.aws.amazon.com/athena/latest/ug/partition-projection-dynamic-id-partitioning.html (read 2026-11-30)
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any

from ministack.services import athena

from sandbox.emulator.hook import Function, Hook

_REWRITE = Hook("ministack.services.athena", "_rewrite_data_paths", ("query", "database", "catalog"))
_RELATION = Hook("ministack.services.athena", "_table_relation", ("table_data", "files"))
_EMPTY = Hook("ministack.services.athena", "_empty_relation", ("table_data",))

HOOKS: tuple[Hook, ...] = (_REWRITE, _RELATION, _EMPTY)

_query: ContextVar[str] = ContextVar("query", default="")
_TEXT = r"'(?:[^']|'')*'"


def install() -> None:
    """Read such tables by the values in the query."""
    _REWRITE.replace(_with_query)
    _EMPTY.replace(_empty)
    _RELATION.replace(_relation)


def injected_values(query: str, key: str) -> list[str]:
    """Return the values that a query gives a partition key, as `key = 'x'` or `key in ('x', 'y')`.

    Raises ValueError with Athena's sentence if there is none.
    """
    several = rf"in\s*\(((?:\s*{_TEXT}\s*,?)+)\)"
    found = re.findall(rf'(?i)\b{re.escape(key)}"?\s*(?:=\s*({_TEXT})|{several})', query)
    texts = [text for one, more in found for text in re.findall(_TEXT, one or more)]
    if not texts:
        raise ValueError(
            f"CONSTRAINT_VIOLATION: For the injected projected partition column {key}, the WHERE clause must"
            " contain only static equality conditions, and at least one such condition must be present."
        )
    return [text[1:-1].replace("''", "'") for text in dict.fromkeys(texts)]


def _with_query(original: Function) -> Function:
    async def rewrite(query: str, database: str, catalog: str | None = None) -> Any:
        token = _query.set(query)
        try:
            return await original(query, database, catalog)
        finally:
            _query.reset(token)

    return rewrite


def _key_of(table: dict[str, Any]) -> str:
    """Return the table's injected partition key, "" if it has none."""
    parameters = table.get("Parameters") or {}
    names = (str(one["Name"]) for one in table.get("PartitionKeys") or ())
    if parameters.get("projection.enabled") != "true":
        return ""
    return next((one for one in names if parameters.get(f"projection.{one}.type") == "injected"), "")


def _empty(original: Function) -> Function:
    def empty(table_data: dict[str, Any]) -> Any:
        if key := _key_of(table_data):
            injected_values(_query.get(), key)
        return original(table_data)

    return empty


def _relation(original: Function) -> Function:
    def relation(table_data: dict[str, Any], files: list[str]) -> Any:
        key = _key_of(table_data)
        if not key:
            return original(table_data, files)
        # The columns and types are the table's, also those that a folder's files lack.
        selects = [f"SELECT * FROM {athena._empty_relation(table_data)}"]  # noqa: S608  made by the emulator
        for value in injected_values(_query.get(), key):
            own = [one for one in files if f"/{value}/" in one]
            if own:
                text = value.replace("'", "''")
                read = f"read_parquet({athena._sql_list(own)}, union_by_name = true, hive_partitioning = false)"
                selects.append(f"SELECT *, '{text}' AS \"{key}\" FROM {read}")  # noqa: S608  as above
        columns = [*table_data["StorageDescriptor"]["Columns"], *table_data["PartitionKeys"]]
        names = ", ".join('"{}"'.format(str(one["Name"]).replace('"', '""')) for one in columns)
        return f"(SELECT {names} FROM ({' UNION ALL BY NAME '.join(selects)}))"  # noqa: S608  as above

    return relation
