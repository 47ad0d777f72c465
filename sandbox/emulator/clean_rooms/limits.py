"""A request held against botocore's model of the service: what is required, lengths, patterns, words, unions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "double": (int, float),
    "float": (int, float),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
}


@cache
def model() -> ServiceModel:
    """Return the model of the SDK that is installed here."""
    return botocore.session.get_session().get_service_model("cleanrooms")


def mistakes(operation: str, request: dict[str, Any]) -> list[str]:
    """Return what is wrong with the request of an operation, each with its place."""
    shape = model().operation_model(operation).input_shape
    return list(_of(shape, request, "")) if shape else []


def _of(shape: Any, value: Any, place: str) -> Iterator[str]:
    kind: str = shape.type_name
    if not _is_of(kind, value):
        yield f"Value at '{place}' is not of type {kind}"
        return
    if kind == "structure":
        yield from _of_structure(shape, value, place)
    elif kind == "list":
        yield from _length(shape, len(value), place)
        for number, one in enumerate(value, 1):
            yield from _of(shape.member, one, f"{place}.{number}")
    elif kind == "map":
        yield from _length(shape, len(value), place)
        for name, one in value.items():
            yield from _of(shape.key, name, f"{place}.key")
            yield from _of(shape.value, one, f"{place}.{name}")
    elif kind == "string":
        yield from _length(shape, len(value), place)
        pattern, words = shape.metadata.get("pattern"), shape.metadata.get("enum")
        if pattern and not re.fullmatch(pattern, value):
            yield f"Value at '{place}' failed to satisfy regular expression pattern: {pattern}"
        if words and value not in words:
            yield f"Value at '{place}' failed to satisfy enum value set: {words}"
    else:
        yield from _length(shape, value, place)


def _is_of(kind: str, value: Any) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _of_structure(shape: Any, value: dict[str, Any], place: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield f"Value null at '{place}.{name}' failed to satisfy constraint: Member must not be null"
    if shape.is_tagged_union and len(value) != 1:
        yield f"Value at '{place}' must have exactly one member"
    for name, one in value.items():
        if name in shape.members:
            yield from _of(shape.members[name], one, f"{place}.{name}".lstrip("."))


def _length(shape: Shape, size: float, place: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        yield f"Value at '{place}' failed to satisfy constraint: from {low} to {high}"
