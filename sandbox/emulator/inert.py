"""CloudFormation types that a template may have although nothing happens here: accepted, with an id that stays.

Without them one such resource refuses the whole deployment. `GET /_inert` lists those that are deployed, and
`sandbox up` prints them. A type belongs here if nothing the app does depends on it, or if what depends on it fails
with an error: a call of a service that is not emulated is refused. Any other type is still refused by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudformation
from ministack.services.cloudformation import provisioners

from sandbox.emulator.environment import ACCOUNT, REGION
from sandbox.emulator.hook import Function, Hook, MissingHookError, Table
from sandbox.emulator.inert_types import INERT, Inert

PATH = "/_inert"

_PROVISIONERS = "ministack.services.cloudformation.provisioners"
_TYPES = Table(_PROVISIONERS, "_RESOURCE_HANDLERS")

HOOKS: tuple[Hook | Table, ...] = (
    _TYPES,
    Hook(_PROVISIONERS, "_physical_name", ("stack_name", "logical_id", "lowercase", "max_len", "seeded")),
)

_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")

Created = tuple[str, dict[str, Any]]


def install() -> None:
    """Register the types; raises MissingHookError if the emulator provisions one of them itself by now."""
    types = _TYPES.entries()
    if real := sorted(INERT.keys() & types.keys()):
        raise MissingHookError(f"inert here, but provisioned by the emulator: {', '.join(real)}")
    for type_, inert in INERT.items():
        types[type_] = {"create": _creating(type_, inert), "update": _updating(type_, inert), "delete": _delete}


def listed() -> list[dict[str, str]]:
    """Return the deployed resources that do nothing: `type`, `stack`, `logical_id`, `undone`."""
    with request_scope(ACCOUNT, REGION):
        return sorted(_deployed(), key=lambda one: (one["type"], one["stack"], one["logical_id"]))


def _deployed() -> Iterator[dict[str, str]]:
    for name, stack in cloudformation._stacks.items():
        for logical_id, resource in stack.get("_resources", {}).items():
            type_ = resource.get("ResourceType", "")
            if type_ in INERT and resource.get("ResourceStatus") in _DONE:
                undone = INERT[type_].undone
                yield {"type": type_, "stack": name, "logical_id": logical_id, "undone": undone}


def _creating(type_: str, inert: Inert) -> Function:
    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
        name = props.get(inert.named_by) or provisioners._physical_name(stack_name, logical_id)
        return str(name), _attributes(type_, inert, str(name))

    return create


def _updating(type_: str, inert: Inert) -> Function:
    def update(
        physical_id: str, _old_props: dict[str, Any], new_props: dict[str, Any], _stack_name: str
    ) -> Created:
        name = str(new_props.get(inert.named_by) or physical_id)
        return name, _attributes(type_, inert, name)

    return update


def _attributes(type_: str, inert: Inert, name: str) -> dict[str, Any]:
    service, _, kind = type_.removeprefix("AWS::").lower().partition("::")
    arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{kind}/{name}"
    return {one: arn if one.lower().endswith("arn") else name for one in inert.attributes}


def _delete(_physical_id: str, _props: dict[str, Any]) -> None:
    """Forget nothing: there is nothing."""
