"""The JSON Schema of mapping files, made of the same words as their keys."""

from __future__ import annotations

from typing import Any

from activation.drops import encodings
from activation.identifiers.column_map import DATE_ORDERS
from activation.model import Action
from activation.platforms.discovery import every_platform
from activation.platforms.option_schema import DIALECT, rule_schema
from activation.platforms.platform import signals_of
from activation.row_rule import Scope

from glue_scripts.normalize import mapping_keys as keys
from glue_scripts.normalize.cells import NUMBER_LIMIT
from glue_scripts.normalize.conditions import MOST_WORDS
from glue_scripts.normalize.mapping import (
    EVERY_ROW,
    ORDERED,
    Compare,
    Complete,
    DecimalSign,
    Derive,
    Function,
    OutputFormat,
    Period,
)
from glue_scripts.normalize.mapping_checks import KINDS

# As `str.strip` leaves something of it.
NAME = {"type": "string", "maxLength": keys.LONGEST_NAME, "pattern": r"\S"}
PART = {**NAME, "pattern": f"^{keys.PART}$"}
NAMES = {"type": "array", "items": NAME, "uniqueItems": True}
WORD = {"type": ["string", "integer"]}


def mapping_schema() -> dict[str, Any]:
    """Return the schema; what only an export's header or a platform's fields can tell is not in it."""
    return {
        "$schema": DIALECT,
        "title": "A mapping from an export to an audience",
        "description": "See docs/glue.md.",
        **_object(
            {
                "$schema": {"type": "string"},
                "name": {"type": "string", "pattern": f"^(?:{keys.NAME})?$"},
                "input": _input(),
                "derived": {"type": "object", "propertyNames": NAME, "additionalProperties": _derived()},
                "filters": _conditions(),
                "consent": rule_schema(signals_of(every_platform().values()), scopes=(Scope.ROW,)),
                "group_by": NAMES,
                "aggregates": {"type": "object", "propertyNames": NAME, "additionalProperties": _aggregate()},
                "having": _conditions(),
                "columns": {"type": "object", "propertyNames": NAME, "additionalProperties": NAME},
                "default_country": {"type": "string", "pattern": "^(?:[A-Z]{2})?$"},
                "date_order": {"enum": ["", *DATE_ORDERS]},
                "time_zone": {"type": "string"},
                "target": _object(
                    {"platform": PART, "connector": PART, "audience": PART, "action": {"enum": [*Action]}},
                    "platform",
                    "connector",
                    "audience",
                ),
                "output": _output(),
            },
            "target",
            "output",
        ),
    }


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    more = {"required": list(required)} if required else {}
    return {"type": "object", "additionalProperties": False, "properties": properties, **more}


def _input() -> dict[str, Any]:
    return _object(
        {
            "format": {"enum": ["", *keys.FORMATS]},
            "delimiter": {"type": "string", "pattern": r"^(?:[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x7f])?$"},
            "encoding": {"anyOf": [{"const": ""}, {"type": "string", "examples": encodings.declarable()}]},
            "escape": {"enum": ["", *keys.ESCAPES]},
            "null": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 50}},
            "complete": {"enum": [*Complete]},
            "decimal": {"enum": [*DecimalSign]},
        }
    )


def _derived() -> dict[str, Any]:
    more: dict[Derive, dict[str, Any]] = {
        Derive.PERIOD: {"period": {"enum": [*Period]}},
        Derive.JOIN: {"with": {"type": "string", "maxLength": 10}},
    }
    return {
        "oneOf": [
            _object(
                {one.value: {**NAMES, "minItems": 1} if one is Derive.JOIN else NAME, **more.get(one, {})},
                one.value,
            )
            for one in Derive
        ]
    }


def _conditions() -> dict[str, Any]:
    operands: dict[Compare, dict[str, Any]] = dict.fromkeys(Compare, WORD)
    number = {"type": "number", "exclusiveMinimum": -NUMBER_LIMIT, "exclusiveMaximum": NUMBER_LIMIT}
    day = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
    operands |= {one: {"anyOf": [number, day]} for one in ORDERED}
    words = {"type": "array", "items": WORD, "minItems": 1, "maxItems": MOST_WORDS}
    operands |= {Compare.IN: words, Compare.NOT_IN: words, Compare.PRESENT: {"type": "boolean"}}
    shapes = [
        _object({"column": NAME, one.value: operand}, "column", one.value) for one, operand in operands.items()
    ]
    return {"type": "array", "maxItems": keys.MOST_ENTRIES, "items": {"oneOf": shapes}}


def _aggregate() -> dict[str, Any]:
    shapes = []
    for one in Function:
        of = NAME if one is Function.COUNT else {**NAME, "not": {"const": EVERY_ROW}}
        shapes.append(_object({one.value: of}, one.value))
    return {"oneOf": shapes}


def _output() -> dict[str, Any]:
    return _object(
        {
            "identifiers": {"enum": [*KINDS]},
            "format": {"enum": [*OutputFormat]},
            "rows_per_part": {"type": "integer", "minimum": keys.LEAST_PART, "maximum": keys.MOST_PART},
            "event_id": NAMES,
            "deduplicate": {"type": "boolean"},
        },
        "identifiers",
    )
