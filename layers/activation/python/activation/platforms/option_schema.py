"""The JSON Schema of a platform's `_audience.json`, made of the options that the platform declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from activation.platforms.audience_options import (
    ALLOW,
    PERCENT,
    SCHEMA_KEY,
    STOP,
    GuardOption,
    LimitedDataUseOption,
)
from activation.platforms.options import BooleanOption, ChoiceOption, IntegerOption, Option, TextOption

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def audience_schema(title: str, options: Sequence[Option]) -> dict[str, Any]:
    """Return the schema of a platform's files, by its title; raises TypeError for an unknown kind of option."""
    return {
        "$schema": DIALECT,
        "title": f"_audience.json for {title}",
        "description": "Options of one audience; see docs/audience_options.md.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            SCHEMA_KEY: {"type": "string"},
            **{one.name: {"description": one.meaning, **_values(one)} for one in options},
        },
    }


def _values(option: Option) -> dict[str, Any]:
    match option:
        case ChoiceOption():
            return {"enum": list(option.choices)}
        case TextOption():
            return {"type": "string", "pattern": f"^(?:{option.pattern})$"}
        case IntegerOption():
            return {"type": "integer", "minimum": option.low, "maximum": option.high}
        case BooleanOption():
            return {"type": "boolean"}
        case LimitedDataUseOption():
            places = [{"country": country, "state": state} for country, state in option.places]
            return {"enum": [True, False, *places]}
        case GuardOption():
            percent = {"type": "string", "pattern": f"^(?:{PERCENT})$"}
            share = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, percent]}
            shapes = {"empty": {"enum": [STOP, ALLOW]}, "leave": share, "shrink": share}
            return {"type": "object", "additionalProperties": False, "properties": shapes}
    raise TypeError(f"no schema for {type(option).__name__}")
