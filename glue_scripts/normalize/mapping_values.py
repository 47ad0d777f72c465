"""Values of a mapping file, each checked for its form; mistakes gather, so that all are told at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from glue_scripts.normalize.mapping_keys import LONGEST_NAME

E_ = TypeVar("E_", bound=StrEnum)


@dataclass
class Values:
    """Checks values by their places in the document; what is wrong gathers in `mistakes`."""

    mistakes: list[str] = field(default_factory=list)

    def say(self, place: str, what: str) -> None:
        """Note a mistake at a place, "" for the document as a whole."""
        self.mistakes.append(f"{place}: {what}" if place else what)

    def known(self, place: str, given: Mapping[str, Any], known: Collection[str]) -> None:
        """Note every key that is none of those that are known there."""
        for name in given:
            if name not in known:
                inside = f"{place}." if place else ""
                self.say(f"{inside}{name[:LONGEST_NAME]}", f"no such key (known: {', '.join(known)})")

    def section(self, name: str, given: Mapping[str, Any], *, required: bool = False) -> Mapping[str, Any]:
        """Return an object of the document, {} for none; notes one that is missing though it is required."""
        if name not in given:
            if required:
                self.say(name, "is missing")
            return {}
        found = given[name]
        if isinstance(found, dict):
            return found
        self.say(name, "must be an object")
        return {}

    def text(self, place: str, value: object, pattern: str, what: str, *, optional: bool = False) -> str:
        """Return a text that a pattern matches as a whole, else "" and a note that it must be `what`."""
        if optional and value == "":
            return ""
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self.say(place, f"must be {what}")
        return ""

    def choice(self, place: str, value: object, choices: type[E_], default: E_) -> E_:
        """Return one of the choices, the default for none."""
        if value is None:
            return default
        if isinstance(value, str) and value in [*choices]:
            return choices(value)
        self.say(place, f"must be one of {', '.join(choices)}")
        return default

    def names(self, place: str, value: object) -> tuple[str, ...]:
        """Return a list of columns' names, each once."""
        if isinstance(value, list) and all(map(is_name, value)):
            names = tuple(one.strip() for one in value)
            for name in sorted({one for one in names if names.count(one) > 1}):
                self.say(place, f"has {name!r} twice")
            return names
        self.say(place, "must be a list of columns' names")
        return ()

    def one_of(self, place: str, value: object, choices: Collection[str]) -> str:
        """Return a text that is "" or one of the choices."""
        if value == "" or value in choices:
            return str(value)
        self.say(place, f"must be one of {', '.join(choices)}")
        return ""


def is_name(value: object) -> bool:
    """Return whether a value can be a column's name."""
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME


def object_of(repeated: list[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; names that it has twice, of which JSON readers keep the last, go to `repeated`."""
    repeated += [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    return dict(pairs)


def can_delimit(value: object) -> bool:
    """Return whether a value can separate cells: one ASCII character, no quote and no line end."""
    return isinstance(value, str) and len(value) == 1 and value.isascii() and value not in '"\r\n\0'
