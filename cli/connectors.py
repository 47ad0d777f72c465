"""The connectors that a command can name: the configured ones, or else every platform under its own name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from activation.identifiers.row_rules import written
from activation.platforms.discovery import platforms
from activation.platforms.options import Value, complete
from activation.platforms.platform import Platform

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from stacks.settings import Settings


class NoConnector(Exception):
    """The connector does not exist, or the settings cannot be read: a stable code and a sentence for the user."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code, self.sentence = code, sentence
        super().__init__(sentence)


@dataclass(frozen=True)
class NamedConnector:
    """A connector by name, with its platform; `settings` is its validated entry in cdk.context.json."""

    name: str
    platform: Platform
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def actions(self) -> tuple[str, ...]:
        """Return the actions that the settings allow, none for all of the platform's."""
        return tuple(self.settings.get("actions") or ())

    @property
    def options(self) -> Mapping[str, Value]:
        """Return the platform's options, defaults included."""
        return complete(self.platform.options, dict(self.settings.get("options") or ()))


def settings() -> Settings | None:
    """Return the settings in ./cdk.context.json, None if there is no such file or `--stack` names another app.

    With --sandbox the sources are the sandbox's own, which it deploys in place of these.

    Raises NoConnector listing every mistake.
    """
    from cli.deployment import named_app
    from cli.typed import in_sandbox
    from stacks.settings import SettingsError, read_settings

    path = Path("cdk.context.json")
    if not path.exists():
        return None
    try:
        context = json.loads(path.read_text(encoding="utf-8"))
        if in_sandbox() and isinstance(context, dict):
            from sandbox import sources

            with suppress(
                KeyError, IndexError, TypeError
            ):  # settings without a connector, which the reader reports
                context |= sources.flag(Path.cwd())
        found = read_settings(context.get if isinstance(context, dict) else {}.get, platforms(), Path.cwd())
    except ValueError as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise NoConnector("bad_settings", f"cdk.context.json is not JSON{where}") from None
    except SettingsError as error:
        raise NoConnector("bad_settings", str(error)) from None
    return None if named_app() not in ("", found.name) else found


def connectors(found: Deployment | None = None) -> dict[str, NamedConnector]:
    """Return the connectors in ./cdk.context.json.

    Without that file they are those of the deployed app if `found` is one, else each platform under its own name.
    Raises NoConnector.
    """
    if read := settings():
        return {
            one.name: NamedConnector(
                one.name,
                platforms()[one.platform],
                asdict(one) | {"consent": written(one.consent), "operation": written(one.operation)},
            )
            for one in read.connectors
        }
    if found is not None and found.platforms:  # an earlier release's outputs name none
        return {name: _deployed_as(name, found) for name in found.platforms}
    return {name: NamedConnector(name, platform) for name, platform in platforms().items()}


def deployed(name: str, found: Deployment) -> NamedConnector:
    """Return a deployed connector by name, as the settings here describe it, else as its stack does."""
    return connectors(found).get(name) or _deployed_as(name, found)


def _deployed_as(name: str, found: Deployment) -> NamedConnector:
    return NamedConnector(name, platforms()[found.platforms[name]], found.told.get(name, {}))


def _hint(name: str, elsewhere: bool) -> str:
    """Return what to do about a name that no connector has."""
    if name == "s3:":
        return "a key begins with the connector's name, without s3:// and the bucket"
    if settings() is None and not elsewhere:
        return "no settings are here, so these are the platforms: `activation --stack APP` asks a deployed app"
    return "one is added in `connectors` in cdk.context.json, and deployed"


def connector_of(name: str, *, of_app: bool = False) -> NamedConnector:
    """Return a connector by name; raises NoConnector.

    Where no settings are, the deployed app is asked if `--stack` names it, or if the caller needs it anyway
    (`of_app`).
    """
    from cli import deployment

    elsewhere = settings() is None and (of_app or bool(deployment.named_app()))
    known = connectors(deployment.find() if elsewhere else None)
    if name not in known:
        raise NoConnector(
            "unknown_connector",
            f"no connector has this name; the connectors are {', '.join(sorted(known))}; {_hint(name, elsewhere)}",
        )
    return known[name]
