"""The connectors a command can speak of: the configured ones, and every platform under its own name."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from activation.identifiers.table import FieldTable
    from activation.limits import Limits
    from activation.planning import Planning

    from stacks.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


class NoConnector(Exception):
    """There is no such connector, or no telling which there are; a stable code and a sentence for the user."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code, self.sentence = code, sentence
        super().__init__(sentence)


@dataclass(frozen=True)
class NamedConnector:
    """A connector's name and its platform, whose tables are loaded when they are asked for."""

    name: str
    platform: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # as cdk.context.json has them, all checked

    def load_table(self) -> FieldTable:
        """Load the platform's field table."""
        return cast("FieldTable", importlib.import_module(f"lambdas.{self.platform}.fields").TABLE)

    def load_limits(self) -> Limits:
        """Load the platform's limits."""
        return cast("Limits", importlib.import_module(f"lambdas.{self.platform}.publisher").LIMITS)

    def load_planning(self) -> Planning:
        """Load what a dry run needs to know of the platform."""
        return cast("Planning", importlib.import_module(f"lambdas.{self.platform}.planning").PLANNING)


def settings() -> Settings | None:
    """Read cdk.context.json here, None where there is none; raises NoConnector with all that is wrong in it."""
    from stacks.settings import SettingsError, platforms, read_settings

    path = Path("cdk.context.json")
    if not path.exists():
        return None
    try:
        context = json.loads(path.read_text(encoding="utf-8"))
        return read_settings(context.get if isinstance(context, dict) else {}.get, platforms(ROOT))
    except ValueError as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise NoConnector("bad_settings", f"cdk.context.json is not JSON{where}") from None
    except SettingsError as error:
        raise NoConnector("bad_settings", str(error)) from None


def connectors() -> dict[str, NamedConnector]:
    """Give the connectors of cdk.context.json here, else each platform under its own name; raises NoConnector."""
    from stacks.settings import platforms

    if found := settings():
        return {one.name: NamedConnector(one.name, one.platform, asdict(one)) for one in found.connectors}
    return {name: NamedConnector(name, name) for name in platforms(ROOT)}


def connector_of(name: str) -> NamedConnector:
    """Give a connector by name; raises NoConnector."""
    known = connectors()
    if name not in known:
        hint = "; a key begins with the connector's name, without s3:// and the bucket" if name == "s3:" else ""
        raise NoConnector(
            "unknown_connector", f"no connector has this name; there are {', '.join(sorted(known))}{hint}"
        )
    return known[name]
