"""Frozen settings that a test changes with JSON: all unknown keys and wrong types are reported at once."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Settings = TypeVar("Settings")


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return `settings` (a frozen dataclass) with `changes`; raises ValueError listing every mistake in them."""
    hints = get_type_hints(type(settings))
    mistakes: list[str] = []
    values: dict[str, Any] = {}
    for key, value in changes.items():
        if key not in hints:
            mistakes.append(f"unknown key {key!r}, known are {', '.join(sorted(hints))}")
            continue
        try:
            values[key] = _value(hints[key], value)
        except (TypeError, ValueError):
            mistakes.append(f"{key} has the wrong type or an unknown value")
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return dataclasses.replace(settings, **values)  # type: ignore[type-var]  # bound to dataclass instances


def _value(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _value(next(one for one in arguments if one is not type(None)), value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError
        return tuple(_value(arguments[0], one) for one in value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise TypeError
    return value
