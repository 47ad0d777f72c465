"""Read a JSON object key by key, collecting every mistake instead of stopping at the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")


class Reader:
    """The keys of one JSON object at `path`; mistakes are added to `mistakes`, as one sentence each.

    Every method returns the key's value, or `default` if the key is absent or wrong, so that the caller can read
    on and report all mistakes together. A `default` of None makes a key required.
    """

    def __init__(self, value: object, path: str, mistakes: list[str]) -> None:
        self._path = path
        self._mistakes = mistakes
        self._values: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        self._known: set[str] = set()
        if not isinstance(value, Mapping):
            mistakes.append(f"{path}: must be an object")

    def text(self, key: str, *, pattern: str, meaning: str, default: str | None = None) -> str:
        """Return a text that matches the whole of `pattern`; `meaning` describes that in words."""
        return self._read(
            key,
            default,
            "",
            lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None,
            meaning,
        )

    def choice(self, key: str, choices: Sequence[str], *, default: str | None = None) -> str:
        """Return one of `choices`; "" among them is what a key that is left out stands for."""
        words = [one for one in choices if one]
        meaning = f"one of {', '.join(words)}" if words else "one of the existing ones, but none exists yet"
        return self._read(key, default, "", lambda value: value in choices, meaning)

    def whole(self, key: str, *, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number from `low` to `high`, both inclusive."""
        return self._read(
            key,
            default,
            low,
            # bool is an int in Python, but not in JSON
            lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
            f"a whole number from {low} to {high}",
        )

    def number(self, key: str, *, low: float, high: float, default: float | None = None) -> float:
        """Return a number from `low` to `high`, both inclusive, with or without a fraction."""
        return self._read(
            key,
            default,
            low,
            # bool is an int in Python, but not in JSON
            lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high,
            f"a number from {low:g} to {high:g}",
        )

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """Return true or false."""
        return self._read(key, default, False, lambda value: isinstance(value, bool), "true or false")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty when absent."""
        found: Sequence[str] = self._read(
            key,
            [],
            [],
            lambda value: isinstance(value, list) and all(isinstance(one, str) and one for one in value),
            "a list of texts",
        )
        return tuple(found)

    def values(self, key: str) -> Mapping[str, Any]:
        """Return the object under `key` unchecked, empty if absent."""
        found: Mapping[str, Any] = self._read(
            key, {}, {}, lambda value: isinstance(value, Mapping), "an object of names and values"
        )
        return found

    def value(self, key: str) -> object:
        """Return whatever is under `key`, None if it is absent."""
        self._known.add(key)
        return self._values.get(key)

    def within(self, key: str, name: str, value: object) -> Reader:
        """Return a reader for what the object under `key` has under a name that the user chose."""
        return Reader(value, f"{self._path}.{key}.{name}", self._mistakes)

    def has(self, key: str) -> bool:
        """Return whether the key is there, whatever its value."""
        self._known.add(key)
        return key in self._values

    def has_text(self, key: str) -> bool:
        """Return whether the key has a text, where it may have an object too."""
        return self.has(key) and isinstance(self._values[key], str)

    @property
    def given(self) -> bool:
        """Return whether the object has any key: an absent section reads as an empty one."""
        return bool(self._values)

    def section(self, key: str) -> Reader:
        """Return a reader for the object under `key`; an absent object is empty."""
        self._known.add(key)
        return Reader(self._values.get(key, {}), f"{self._path}.{key}", self._mistakes)

    def sections(self, key: str, *, optional: bool = False) -> list[Reader]:
        """Return a reader for each object in the list under `key`.

        The list must contain at least one, unless it is `optional`: then it may be absent or empty.
        """
        found: Sequence[object] = self._read(
            key,
            [] if optional else None,
            [],
            lambda value: isinstance(value, list) and (optional or len(value) > 0),
            "a list of objects" if optional else "a list of one or more objects",
        )
        return [Reader(value, f"{self._path}.{key}[{index}]", self._mistakes) for index, value in enumerate(found)]

    def none(self, key: str) -> list[Reader]:
        """Return no readers: for an optional list of objects that is absent."""
        self._known.add(key)
        return []

    def same_name(self, name: str, other: str) -> None:
        """Report the `name` of an object that `other`, of the same list, has too but for hyphens."""
        alike = f"{name} and {other} are the same name but for hyphens"
        self.mistake("name", f"{name} is there twice" if name == other else alike)

    def mistake(self, key: str, sentence: str) -> None:
        """Add a mistake that only the caller can recognise."""
        self._mistakes.append(f"{self._path}.{key}: {sentence}")

    def finish(self) -> None:
        """Report the keys that nothing has read: a misspelt setting must not be ignored."""
        for key in self._values:
            if key not in self._known:
                known = ", ".join(sorted(self._known))
                self._mistakes.append(f"{self._path}.{key}: no such setting (known: {known})")

    def _read(self, key: str, default: _T | None, instead: _T, fits: Callable[[Any], bool], meaning: str) -> _T:
        self._known.add(key)
        if key not in self._values:
            if default is None:
                self._mistakes.append(f"{self._path}.{key}: missing; must be {meaning}")
                return instead
            return default
        value: _T = self._values[key]
        if fits(value):
            return value
        self._mistakes.append(f"{self._path}.{key}: must be {meaning}")
        return instead if default is None else default
