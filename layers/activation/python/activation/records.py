"""Records as JSON: written from a dataclass and read back into it, so that no field can be forgotten.

msgspec does both, in C, from the annotations alone (https://jcristharif.com/msgspec/, read 2026-11-29); importing
it takes 11 ms. A field that a stored record lacks has the dataclass's default; one that is not known any more is
passed over.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class DamagedRecord(Exception):
    """A stored record does not read as what it should be; nothing of it is shown."""


def to_json(value: Any) -> str:
    """Return a dataclass as JSON text: sets in order, so that the same value is the same text."""
    return msgspec.json.encode(value, order="deterministic").decode()


def from_json(text: str | bytes, kind: type[T]) -> T:
    """Return the dataclass that a text holds; raises DamagedRecord when it is none of this kind."""
    try:
        return msgspec.json.decode(text, type=kind, dec_hook=_read)
    except msgspec.MsgspecError:
        damaged = DamagedRecord(f"a stored record is no {kind.__name__}")
    raise damaged  # not in the handler: the library's own text may quote the record


def _read(kind: type, value: Any) -> Any:
    """Read what msgspec does not know: a Counter, from the object it was written as."""
    return kind(value)
