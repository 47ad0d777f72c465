"""A mapping as a DataBrew recipe: what of a mapping it can do, and every mistake where it cannot.

The steps are those of https://docs.aws.amazon.com/databrew/latest/dg/recipe-actions-reference.html, read
2026-11-30: RENAME (`sourceColumn`, `targetColumn`), DELETE (`sourceColumn`), and REMOVE_VALUES (`sourceColumn`) on
the condition IS_MISSING. In a template the parameters begin with a capital letter:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-databrew-recipe.html, read 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

IGNORE = "ignore"
# What a column may be called: names that connectors recognise in a header.
FIELDS = (
    "city",
    "country",
    "date_of_birth",
    "email",
    "first_name",
    "gender",
    "last_name",
    "phone",
    "state_code",
    "zip",
)
# The keys of a mapping that a recipe can do, or that are not the recipe's; see docs/glue.md.
_KEYS = frozenset(("$schema", "name", "input", "columns", "filters", "target", "output"))


@dataclass(frozen=True)
class Step:
    """One step: the operation, its parameters, and the column that has to be missing, "" for no condition."""

    operation: str
    parameters: Mapping[str, str]
    if_missing: str = ""


def recipe_mistakes(mapping: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a recipe cannot do of a mapping that is right otherwise."""
    for key in sorted(mapping.keys() - _KEYS):
        yield f"{key}: a DataBrew recipe of this app cannot do it; use Glue"
    for column, field in mapping.get("columns", {}).items():
        if field not in (*FIELDS, IGNORE):
            yield f"columns.{column}: with DataBrew it must be one of {', '.join((*FIELDS, IGNORE))}"
    for number, one in enumerate(mapping.get("filters", ())):
        if one != {"column": one.get("column"), "present": True}:
            yield f'filters[{number}]: a DataBrew recipe of this app only does "present": true; use Glue'
    yield from _of_files(mapping.get("input", {}), mapping["output"])


def _of_files(given: Mapping[str, Any], output: Mapping[str, Any]) -> Iterator[str]:
    if output["identifiers"] != "raw":
        yield 'output.identifiers: must be "raw": DataBrew\'s hashes are not those of the platforms'
    if output.get("format", "parquet") != "csv":
        yield 'output.format: must be "csv"'
    if output.get("deduplicate", True):
        yield "output.deduplicate: must be false: duplicates are those of the normalised identifiers"
    for one in ("rows_per_part", "event_id"):
        if one in output:
            yield f"output.{one}: DataBrew decides it"
    if given.get("format", "csv") != "csv":
        yield 'input.format: must be "csv"'
    for one in ("encoding", "escape", "null", "complete"):
        if one in given:
            yield f"input.{one}: DataBrew cannot be told it"


def recipe(mapping: Mapping[str, Any]) -> list[Step]:
    """Return the steps of a mapping without mistakes: rows left out, columns that go, names that change."""
    columns: Mapping[str, str] = mapping.get("columns", {})
    filters = [one["column"] for one in mapping.get("filters", ())]
    return [
        *(Step("REMOVE_VALUES", {"SourceColumn": one}, if_missing=one) for one in filters),
        *(Step("DELETE", {"SourceColumn": one}) for one, field in columns.items() if field == IGNORE),
        *(
            Step("RENAME", {"SourceColumn": one, "TargetColumn": field})
            for one, field in columns.items()
            if field not in (IGNORE, one)
        ),
    ]
