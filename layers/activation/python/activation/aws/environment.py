"""A function's environment: errors name every variable that is missing or unreadable, never a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from activation.errors import ConfigError


class Environment:
    """The variables of a function, as a template wrote them.

    Each method returns the variable's value, or an empty one where it is missing or unreadable; `finish` then
    raises an error that names all of those.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._wrong: dict[str, None] = {}

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without a `default` the variable must not be empty."""
        value = self._variables.get(name, "")
        if not value and default is None:
            self.wrong(name)
        return value or default or ""

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number from 0; without a `default` the variable must not be empty."""
        value = self._variables.get(name, "")
        if value.isdecimal():
            return int(value)
        if value or default is None:
            self.wrong(name)
        return default or 0

    def texts(self, name: str) -> list[str]:
        """Return a JSON list of texts, an empty one for an empty variable."""
        value = self.parsed(name, [])
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
        self.wrong(name)
        return []

    def mapping(self, name: str) -> dict[str, Any]:
        """Return a JSON object, an empty one for an empty variable."""
        value = self.parsed(name, {})
        if isinstance(value, dict):
            return value
        self.wrong(name)
        return {}

    def parsed(self, name: str, default: object) -> object:
        """Return the variable's JSON value, `default` for an empty variable, None where it is not JSON."""
        text = self._variables.get(name, "")
        if not text:
            return default
        try:
            return json.loads(text)
        except ValueError:
            return None

    def wrong(self, name: str) -> None:
        """Note a variable that is missing or unreadable."""
        self._wrong[name] = None

    def finish(self) -> None:
        """Raise ConfigError with bad_environment, naming every variable that was missing or unreadable."""
        if self._wrong:
            raise ConfigError("bad_environment", f"missing or unreadable: {', '.join(self._wrong)}")
