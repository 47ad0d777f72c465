"""Saved Athena queries in CloudFormation, which the emulator stores but does not provision."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import athena

from sandbox.emulator.hook import Hook, Table

_TYPES = Table("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS")

HOOKS: tuple[Hook | Table, ...] = (
    _TYPES,
    Hook("ministack.services.athena", "_create_named_query", ("data",)),
    Hook("ministack.services.athena", "_delete_named_query", ("data",)),
)


def install() -> None:
    """Register the type."""
    _TYPES.entries()["AWS::Athena::NamedQuery"] = {
        "create": _create,
        "update": _update,
        "update_with_logical_id": True,
        "delete": _delete,
    }


def _create(_logical_id: str, properties: dict[str, Any], _stack_name: str) -> tuple[str, dict[str, Any]]:
    _, _, body = athena._create_named_query(properties)
    query_id = json.loads(body)["NamedQueryId"]
    return query_id, {"NamedQueryId": query_id}


def _update(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], stack_name: str, logical_id: str
) -> tuple[str, dict[str, Any]]:
    """Replace the query, as CloudFormation does, since a query cannot be changed."""
    _delete(physical_id, new)
    return _create(logical_id, new, stack_name)


def _delete(physical_id: str, _properties: dict[str, Any]) -> None:
    athena._delete_named_query({"NamedQueryId": physical_id})
