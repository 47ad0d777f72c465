"""`AWS::Scheduler::Schedule` with its time zone, dates and completion, which the emulator drops."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import scheduler
from ministack.services.cloudformation import provisioners

from sandbox.emulator.hook import Hook, Table

_SCHEDULER = "ministack.services.scheduler"
_TYPES = Table(
    "ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS", ("AWS::Scheduler::Schedule",)
)

HOOKS: tuple[Hook | Table, ...] = (
    _TYPES,
    Hook(_SCHEDULER, "_create_schedule", ("name", "body")),
    Hook(_SCHEDULER, "_update_schedule", ("name", "body")),
    Hook(_SCHEDULER, "_delete_schedule", ("name", "query")),
    Hook(_SCHEDULER, "_to_epoch", ("value",)),
)

Created = tuple[str, dict[str, Any]]


def install() -> None:
    """Replace the type."""
    _TYPES.entries()["AWS::Scheduler::Schedule"] = {
        "create": _create,
        "update": _update,
        "update_with_logical_id": True,
        "delete": _delete,
    }


def _create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Created:
    name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=64)
    return name, _accepted(scheduler._create_schedule(name, _body(properties)))


def _update(
    physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str, logical_id: str
) -> Created:
    if (new.get("Name") or physical_id, _group(new)) == (physical_id, _group(old)):
        return physical_id, _accepted(scheduler._update_schedule(physical_id, _body(new)))
    _delete(physical_id, old)
    return _create(logical_id, new, stack_name)


def _delete(physical_id: str, properties: dict[str, Any]) -> None:
    scheduler._delete_schedule(physical_id, {"groupName": _group(properties)})


def _group(properties: dict[str, Any]) -> str:
    return str(properties.get("GroupName") or "default")


def _body(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the request that CloudFormation makes of the properties, whose dates are texts and numbers may be."""
    body = {name: value for name, value in properties.items() if name != "Name"}
    for name in ("StartDate", "EndDate"):
        if name in body:
            body[name] = scheduler._to_epoch(body[name])
    return {**body, "FlexibleTimeWindow": body.get("FlexibleTimeWindow") or {"Mode": "OFF"}}


def _accepted(answer: tuple[int, Any, bytes]) -> dict[str, Any]:
    status, _, text = answer
    document = json.loads(text)
    if status >= 400:
        raise ValueError(f"AWS::Scheduler::Schedule: {document['Message']}")
    return {"Arn": document["ScheduleArn"]}
