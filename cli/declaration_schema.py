"""The JSON Schema of `audiences.yml`, made of what its reader takes, for editors.

What depends on other keys (a source by its name, parameters that the SQL names, defaults) the reader alone checks.
"""

from __future__ import annotations

from typing import Any

from activation.platforms.audience_options import ALLOW, PERCENT, STOP
from activation.platforms.option_schema import DIALECT, rule_schema

from lambdas.sync.declaration import SourceKind
from lambdas.sync.declaration_fields import (
    ACCOUNT,
    ACTIONS,
    AT,
    AUDIENCE,
    AUDIENCE_ID,
    CONNECTOR,
    CONSENTED,
    EVERY,
    FROM,
    LONGEST_SQL,
    MOST_IN_LIST,
    MOST_TARGETS,
    TABLE,
)
from lambdas.sync.declarations import DATABASE, DEFAULTS, NAME, SOURCE_NAME, WORKGROUP


def declarations_schema() -> dict[str, Any]:
    """Return the schema."""
    audience = _audience()
    defaults = {name: audience[name] for name in DEFAULTS}
    return {
        "$schema": DIALECT,
        "title": "audiences.yml",
        "description": "Audiences as code; see docs/sync.md.",
        **_object(
            {
                "sources": {"type": "object", "patternProperties": {_whole(SOURCE_NAME): _source()}} | _CLOSED,
                "defaults": _object(defaults),
                "audiences": {
                    "type": "object",
                    "patternProperties": {
                        _whole(NAME): {
                            **_object(audience, required=("columns", "to")),
                            "oneOf": [{"required": ["sql"]}, {"required": ["table"]}],
                        }
                    },
                }
                | _CLOSED,
                "tables": {
                    "type": "array",
                    "items": _object(
                        {
                            "source": _text(SOURCE_NAME),
                            "table": _text(TABLE),
                            "like": _text(NAME),
                            "audience": _text(AUDIENCE),
                            "connector": _text(CONNECTOR),
                        },
                        required=("source", "table", "like"),
                    ),
                },
            },
            required=("sources",),
        ),
    }


_CLOSED = {"additionalProperties": False}


def _source() -> dict[str, Any]:
    lake = {"kind": {"const": SourceKind.ATHENA.value}, "workgroup": _text(WORKGROUP), "database": _text(DATABASE)}
    return {
        "oneOf": [
            _object({"kind": {"const": SourceKind.POSTGRES.value}}, required=("kind",)),
            _object(lake, required=tuple(lake)),
        ]
    }


def _audience() -> dict[str, Any]:
    scalar = {"type": ["string", "number", "boolean"]}
    share = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, _text(PERCENT)]}
    to = {
        "connector": _text(CONNECTOR),
        "audience": _text(AUDIENCE),
        "account": _text(ACCOUNT),
        "id": _text(AUDIENCE_ID),
    }
    consent = rule_schema({}, scopes=(), lists=False)
    lists = [{"type": "array", "items": {"type": kind}} for kind in ("string", "number", "boolean")]
    return {
        "source": _text(SOURCE_NAME),
        "sql": {"type": "string", "minLength": 1, "maxLength": LONGEST_SQL},
        "table": _text(TABLE),
        "params": {
            "type": "object",
            "additionalProperties": {
                "anyOf": [scalar, *({**one, "minItems": 1, "maxItems": MOST_IN_LIST} for one in lists)]
            },
        },
        "columns": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "string", "minLength": 1},
        },
        "consent": {"anyOf": [consent, {"const": CONSENTED}]},
        "to": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_TARGETS,
            "items": _object(to, required=("connector", "audience")),
        },
        "action": {"enum": [one.value for one in ACTIONS]},
        "guard": _object({"empty": {"enum": [STOP, ALLOW]}, "leave": share, "shrink": share}),
        "options": {"type": "object"},
        "every": _text(EVERY),
        "at": _text(AT),
        "timezone": _text(r"[\w+/-]+"),
        "from": _text(FROM),
        "paused": {"type": "boolean"},
    }


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        **({"required": list(required)} if required else {}),
        **_CLOSED,
    }


def _text(pattern: str) -> dict[str, str]:
    return {"type": "string", "pattern": _whole(pattern)}


def _whole(pattern: str) -> str:
    r"""Return a pattern as a schema has it: anchored, and with $ for Python's \Z, which other readers lack."""
    return f"^(?:{pattern})$".replace(r"\Z", "$")
