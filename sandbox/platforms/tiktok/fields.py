"""The fields of a call, checked one by one: what is missing or out of range is code 40002."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.platforms.tiktok.errors import missing, parameter


@dataclass(frozen=True)
class Fields:
    """Names and values of a query, a JSON body or a form."""

    values: Mapping[str, Any]

    def text(self, name: str, *, most: int | None = None) -> str:
        """Return a required text, of 1 to `most` characters."""
        found = self.optional_text(name, most=most)
        if found is None:
            raise missing(name)
        return found

    def optional_text(self, name: str, *, most: int | None = None) -> str | None:
        """Return a text, None if it was not sent. An id is also text: a number is refused."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise parameter(f"{name}: Not a valid string.")
        if value == "" or (most is not None and len(value) > most):
            raise parameter(f"{name}: Length must be between 1 and {most or 'any'}.")
        return value

    def whole(self, name: str, default: int | None, least: int, most: int | None) -> int | None:
        """Return a whole number within its range; in a query it comes as text."""
        value = self.values.get(name)
        if value is None:
            return default
        try:
            number = int(value) if not isinstance(value, float) else None
        except (TypeError, ValueError):
            number = None
        if number is None or isinstance(value, bool):
            raise parameter(f"{name}: Not a valid integer.")
        if number < least or (most is not None and number > most):
            raise parameter(f"{name}: Must be between {least} and {most}.")
        return number

    def choice(self, name: str, known: tuple[str, ...], default: str | None = None) -> str:
        """Return one of `known`; required if there is no default."""
        value = self.values.get(name, default)
        if value is None:
            raise missing(name)
        if value not in known:
            raise parameter(f"{name}: Must be one of {', '.join(known)}.")
        return str(value)

    def texts(self, name: str, most: int) -> list[str] | None:
        """Return a list of 1 to `most` texts, None when it was not sent; in a query it comes as a JSON array."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                value = None
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise parameter(f"{name}: Not a valid list of strings.")
        if not 1 <= len(value) <= most:
            raise parameter(f"{name}: Length must be between 1 and {most}.")
        return value
