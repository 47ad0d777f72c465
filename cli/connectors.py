"""The connectors a command can speak of: the configured ones, and every platform under its own name."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from activation.identifiers.table import FieldTable
    from activation.planning import Planning
    from activation.publisher import Limits

ROOT = Path(__file__).resolve().parent.parent


class UnknownConnector(Exception):
    """No connector of that name; says which there are."""

    code = "unknown_connector"

    def __init__(self, names: list[str]) -> None:
        self.sentence = f"no connector has this name; there are {', '.join(names)}"
        super().__init__(self.sentence)


@dataclass(frozen=True)
class NamedConnector:
    """A connector's name and its platform, whose tables are loaded when they are asked for."""

    name: str
    platform: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # as cdk.context.json has them; checked at synth

    def load_table(self) -> FieldTable:
        """Load the platform's field table."""
        return cast("FieldTable", importlib.import_module(f"lambdas.{self.platform}.fields").TABLE)

    def load_limits(self) -> Limits:
        """Load the platform's limits."""
        return cast("Limits", importlib.import_module(f"lambdas.{self.platform}.publisher").LIMITS)

    def load_planning(self) -> Planning:
        """Load what a dry run needs to know of the platform."""
        return cast("Planning", importlib.import_module(f"lambdas.{self.platform}.planning").PLANNING)


def platforms() -> list[str]:
    """Name the platforms that have a connector: those whose folder has a handler."""
    return sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py"))


def connectors() -> dict[str, NamedConnector]:
    """Give the connectors of cdk.context.json here, else each platform under its own name."""
    context = Path("cdk.context.json")
    if context.exists():
        listed = (
            json.loads(context.read_text(encoding="utf-8")).get("audience_activation", {}).get("connectors", [])
        )
        if listed:
            return {one["name"]: NamedConnector(one["name"], one["platform"], one) for one in listed}
    return {name: NamedConnector(name, name) for name in platforms()}


def connector_of(name: str) -> NamedConnector:
    """Give a connector by name; raises UnknownConnector."""
    known = connectors()
    if name not in known:
        raise UnknownConnector(sorted(known))
    return known[name]
