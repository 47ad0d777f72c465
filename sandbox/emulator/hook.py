"""A name in the emulator's package that the sandbox replaces, and the check that it still exists."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

TESTED_VERSION = "1.5.33"  # the version that pyproject.toml pins and the hooks were written for

Function = Callable[..., Any]


class MissingHookError(RuntimeError):
    """The installed emulator no longer has a name that a hook needs."""


@dataclass(frozen=True)
class Hook:
    """A function of the emulator, by module, name and the names of its parameters."""

    module: str
    name: str
    parameters: tuple[str, ...]

    def current(self) -> Function:
        """Return the function as it is now, replaced or not."""
        function: Function = getattr(importlib.import_module(self.module), self.name)
        return function

    def replace(self, wrap: Callable[[Function], Function]) -> None:
        """Replace the function with `wrap(original)`; callers look it up by name, so all use the replacement."""
        setattr(importlib.import_module(self.module), self.name, wrap(self.current()))

    def fault(self) -> str:
        """Return what is wrong with the hooked name, "" for nothing."""
        try:
            function = self.current()
            parameters = tuple(inspect.signature(function).parameters)
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            return f"{self.module}.{self.name}: {error}"
        if parameters != self.parameters:
            return f"{self.module}.{self.name}: parameters are now ({', '.join(parameters)})"
        return ""


@dataclass(frozen=True)
class Table:
    """A dictionary in the emulator whose entries the sandbox adds to or wraps."""

    module: str
    name: str
    keys: tuple[str, ...] = ()

    def entries(self) -> dict[str, Any]:
        """Return the dictionary itself."""
        table: dict[str, Any] = getattr(importlib.import_module(self.module), self.name)
        return table

    def fault(self) -> str:
        """Return what is wrong with the dictionary, "" for nothing."""
        try:
            table = self.entries()
        except (ImportError, AttributeError) as error:
            return f"{self.module}.{self.name}: {error}"
        if not isinstance(table, dict):
            return f"{self.module}.{self.name} is no longer a dictionary"
        gone = [key for key in self.keys if key not in table]
        return f"{self.module}.{self.name} has no {', '.join(gone)}" if gone else ""


def check(places: Iterable[Hook | Table]) -> None:
    """Raise MissingHookError listing every missing name and the version that still had it."""
    faults = [fault for place in places if (fault := place.fault())]
    if faults:
        installed = importlib.metadata.version("ministack")
        raise MissingHookError(
            f"the sandbox hooks into ministack {TESTED_VERSION}, and {installed} is installed; "
            f"missing: {'; '.join(faults)}"
        )
