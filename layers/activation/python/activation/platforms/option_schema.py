"""The JSON Schema of a platform's `_audience.json`, made of the options that the platform declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from activation.identifiers.row_rules import LONGEST, MOST_ANSWERS, MOST_COLUMNS, TELL, Signals
from activation.platforms.audience_options import (
    ALLOW,
    PERCENT,
    SCHEMA_KEY,
    STOP,
    ConsentOption,
    GuardOption,
    LimitedDataUseOption,
)
from activation.platforms.options import BooleanOption, ChoiceOption, IntegerOption, Option, TextOption
from activation.row_rule import ConsentSignal, Scope

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


def rule_schema(signals: Signals, *, scopes: Sequence[Scope] = tuple(Scope), lists: bool = True) -> dict[str, Any]:
    """Return the schema of a rule of consent, for `_audience.json`, mappings and audiences.yml alike.

    `signals` are what the rule may tell, by platform. `scopes` may be said, with the column of a person's record;
    without any, neither may. `lists` says that several columns may be asked.
    """
    text = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": r"\S"}
    columns = {"type": "array", "minItems": 1, "maxItems": MOST_COLUMNS, "items": text}
    answers = {"type": ["string", "integer", "boolean", "null"]}
    rule = {
        "column": {"anyOf": [text, columns]} if lists else text,
        "allow": {"type": "array", "minItems": 1, "maxItems": MOST_ANSWERS, "items": answers},
        **({"scope": {"enum": [one.value for one in scopes]}, "key": text} if scopes else {}),
        **(
            {TELL: {**_object({name: _told(ones) for name, ones in signals.items()}), "minProperties": 1}}
            if signals
            else {}
        ),
    }
    return _object(rule, "column", "allow")


def _told(signals: Sequence[ConsentSignal]) -> dict[str, Any]:
    fields = {one.name: {"description": one.meaning, "enum": list(one.statuses)} for one in signals}
    return _object(fields, *fields)


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    more = {"required": list(required)} if required else {}
    return {"type": "object", "additionalProperties": False, **more, "properties": dict(properties)}


def _values(option: Option) -> dict[str, Any]:
    found: dict[str, Any]
    match option:
        case ChoiceOption():
            found = {"enum": list(option.choices)}
        case TextOption():
            found = {"type": "string", "pattern": f"^(?:{option.pattern})$"}
        case IntegerOption():
            found = {"type": "integer", "minimum": option.low, "maximum": option.high}
        case BooleanOption():
            found = {"type": "boolean"}
        case LimitedDataUseOption():
            places = [{"country": country, "state": state} for country, state in option.places]
            found = {"enum": [True, False, *places]}
        case GuardOption():
            percent = {"type": "string", "pattern": f"^(?:{PERCENT})$"}
            share = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, percent]}
            shapes = {"empty": {"enum": [STOP, ALLOW]}, "leave": share, "shrink": share}
            found = {"type": "object", "additionalProperties": False, "properties": shapes}
        case ConsentOption():
            found = rule_schema(option.signals)
        case _:
            raise TypeError(f"no schema for {type(option).__name__}")
    return found
