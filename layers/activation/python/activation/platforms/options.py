"""The options a platform offers, as names, values and checks: of a connector, and of one audience."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Value = str | int | bool


class Option(Protocol):
    """One option of a platform: its name, its default, and what it may be set to."""

    @property
    def name(self) -> str:
        """Return the key in `connectors[].options`."""
        ...

    @property
    def default(self) -> Value:
        """Return the value used if the settings do not mention the option."""
        ...

    @property
    def meaning(self) -> str:
        """Return what the option does, in one sentence for the documentation."""
        ...

    def problem(self, value: object) -> str:
        """Return what `value` must be instead, "" when it fits."""
        ...


@dataclass(frozen=True)
class ChoiceOption:
    """A choice of several words; the default may be "" for "not set"."""

    name: str
    choices: tuple[str, ...]
    default: str
    meaning: str

    def problem(self, value: object) -> str:
        """Return what `value` must be instead, "" when it fits."""
        return "" if value in self.choices else f"must be one of {', '.join(filter(None, self.choices))}"


@dataclass(frozen=True)
class TextOption:
    """A text that matches the whole of `pattern`; `form` describes that in words."""

    name: str
    pattern: str
    form: str
    default: str
    meaning: str

    def problem(self, value: object) -> str:
        """Return what `value` must be instead, "" when it fits."""
        fits = isinstance(value, str) and re.fullmatch(self.pattern, value) is not None
        return "" if fits else f"must be {self.form}"


@dataclass(frozen=True)
class IntegerOption:
    """A whole number from `low` to `high`, both inclusive."""

    name: str
    low: int
    high: int
    default: int
    meaning: str

    def problem(self, value: object) -> str:
        """Return what `value` must be instead, "" when it fits."""
        whole = isinstance(value, int) and not isinstance(value, bool)  # in Python a bool is also an int
        fits = whole and self.low <= value <= self.high  # type: ignore[operator]  # an int by now
        return "" if fits else f"must be a whole number from {self.low} to {self.high}"


@dataclass(frozen=True)
class BooleanOption:
    """True or false."""

    name: str
    default: bool
    meaning: str

    def problem(self, value: object) -> str:
        """Return what `value` must be instead, "" when it fits."""
        return "" if isinstance(value, bool) else "must be true or false"


def complete(options: Sequence[Option], given: Mapping[str, Value]) -> dict[str, Value]:
    """Return a value for every option: the given one, else its default."""
    return {one.name: given.get(one.name, one.default) for one in options}


def problems(options: Sequence[Option], given: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with the given options, by name; empty when all fit."""
    known = {one.name: one for one in options}
    found = {}
    for name, value in given.items():
        if name in known:
            if problem := known[name].problem(value):
                found[name] = problem
        else:
            there = ", ".join(sorted(known)) or "none"
            found[name] = f"no such option of the platform (known: {there})"
    return found
