"""A mapping file that the settings name: checked at synth, and what the stack must know of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stacks.connector_settings import ConnectorSettings
from stacks.context import Reader
from stacks.normalize.databrew_recipe import recipe_mistakes


@dataclass(frozen=True)
class MappingSettings:
    """A mapping file, and its target as in a drop's key; texts are "" where the file does not say them.

    `input` is what the file says of how the export is read.
    """

    path: Path = Path()
    platform: str = ""
    connector: str = ""
    audience: str = ""
    identifiers: str = ""
    action: str = "add"
    format: str = "parquet"
    input: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folders(self) -> str:
        """Return the prefix below which the drops' folders are, ending in a slash."""
        action = () if self.action == "add" else (self.action,)
        return "/".join((self.connector, self.audience, self.identifiers, *action, ""))


def read_mapping_file(
    reader: Reader, connectors: tuple[ConnectorSettings, ...], root: Path, *, databrew: bool = False
) -> MappingSettings:
    """Read the key `mapping`, the path of a file below `root`; every mistake in the file is the reader's too.

    With `databrew`, what a recipe cannot do is a mistake as well.

    Without Arrow, which a synth does not need, only the target is checked; the job checks the rest.
    """
    given = reader.text("mapping", pattern=r"[^\x00]+", meaning="the path of a mapping file, see docs/glue.md")
    path = root / given
    if not given:
        return MappingSettings()
    try:
        text = path.read_bytes()
    except OSError:
        reader.mistake("mapping", f"{given} cannot be read; the path is seen from cdk.context.json")
        return MappingSettings()
    if find_spec("pyarrow") and (mistakes := _mistakes(text)):
        for mistake in mistakes:
            reader.mistake("mapping", f"{given}: {mistake}")
        return MappingSettings()
    found = _target(path, text)
    if databrew and found.path.name:
        for mistake in recipe_mistakes(json.loads(text)):
            reader.mistake("mapping", f"{given}: {mistake}")
    _check_target(reader, given, found, connectors)
    return found


def _mistakes(text: bytes) -> tuple[str, ...]:
    """Return every mistake in a mapping file."""
    from glue_scripts.normalize.errors import BadMapping  # noqa: PLC0415  waits for Arrow
    from glue_scripts.normalize.mapping_file import read_mapping  # noqa: PLC0415  waits for Arrow

    try:
        read_mapping(text)
    except BadMapping as error:
        return tuple(error.mistakes)
    return ()


def _target(path: Path, text: bytes) -> MappingSettings:
    try:
        document: Any = json.loads(text)
        target, output = document["target"], document["output"]
        return MappingSettings(
            path,
            str(target["platform"]),
            str(target["connector"]),
            str(target["audience"]),
            str(output["identifiers"]),
            str(target.get("action", "add")),
            str(output.get("format", "parquet")),
            dict(document.get("input", {})),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return MappingSettings()


def _check_target(
    reader: Reader, given: str, found: MappingSettings, connectors: tuple[ConnectorSettings, ...]
) -> None:
    connector = next((one for one in connectors if one.name == found.connector), None)
    if connector is None:
        known = ", ".join(one.name for one in connectors)
        reader.mistake("mapping", f"{given}: target.connector must be one of {known}")
        return
    if connector.platform != found.platform:
        reader.mistake(
            "mapping", f"{given}: target.platform must be {connector.platform}, which {connector.name} is"
        )
    if connector.actions and found.action not in connector.actions:
        allowed = ", ".join(connector.actions)
        reader.mistake("mapping", f"{given}: target.action: {connector.name} allows {allowed}")
