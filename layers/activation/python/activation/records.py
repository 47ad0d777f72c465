"""Records as JSON: written from a dataclass and read back into it, so that no field can be forgotten.

msgspec does both, in C, from the annotations alone (https://jcristharif.com/msgspec/, read 2026-11-29); importing
it takes 11 ms. A field that a stored record lacks has the dataclass's default; one that is not known any more is
passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class DamagedRecord(Exception):
    """A stored record does not read as what it should be; nothing of it is shown."""


def to_json(value: Any) -> str:
    """Return a dataclass as JSON text: sets in order, so that the same value is the same text."""
    return msgspec.json.encode(value, order="deterministic").decode()


def to_short_json(value: Any) -> str:
    """Return a dataclass as JSON text without the fields, at any depth, that have their default.

    `from_json` puts those back, as it does for a record of an earlier release. So a default may not change as long
    as records are kept that lack the field for it.
    """
    return msgspec.json.encode(_short(value), order="deterministic").decode()


def from_json(text: str | bytes, kind: type[T]) -> T:
    """Return the dataclass that a text holds; raises DamagedRecord when it is none of this kind."""
    try:
        return msgspec.json.decode(text, type=kind, dec_hook=_read)
    except msgspec.MsgspecError:
        damaged = DamagedRecord(f"a stored record is no {kind.__name__}")
    raise damaged  # not in the handler: the library's own text may quote the record


def _short(value: Any) -> Any:
    if is_dataclass(value):
        kind: Any = type(value)
        told = ((name, getattr(value, name), usual) for name, usual in _defaults(kind))
        return {name: _short(one) for name, one, usual in told if one != usual}
    if isinstance(value, Mapping):
        return {key: _short(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return [_short(one) for one in sorted(value)]
    if isinstance(value, (list, tuple)):
        return [_short(one) for one in value]
    return value


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Return a dataclass's fields with their defaults, MISSING where there is none, which equals no value."""
    return tuple(
        (one.name, one.default if one.default_factory is MISSING else one.default_factory())
        for one in fields(kind)
    )


def _read(kind: type, value: Any) -> Any:
    """Read what msgspec does not know: a Counter, from the object it was written as."""
    return kind(value)
