"""Reading values whose shape somebody else promised: never an exception, nothing taken on trust."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def json_object(body: bytes | str) -> Mapping[str, Any] | None:
    """Parse a JSON object; None for anything else: HTML, a bare text, broken UTF-8, nesting without end."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def whole(value: object) -> int | None:
    """Read a whole number given as a number or as its decimal text; platforms send both for one field."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and len(value) <= 20 and value.isascii():
        digits = value[1:] if value.startswith("-") else value
        return int(value) if digits.isdigit() else None
    return None


def number(value: object) -> float | None:
    """Read a finite number given as a number or as its text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def identifier(value: object) -> str | None:
    """Read a platform's id as text: digits beyond 2**53 never pass through a float."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) and value else None


def text(value: object) -> str:
    """Return a text as it is, "" for anything else."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object as it is, and an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """Return a JSON array as it is, and an empty one in place of anything else."""
    return value if isinstance(value, list) else []
