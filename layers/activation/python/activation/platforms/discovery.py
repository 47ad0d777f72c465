"""Find the platforms: the folders under lambdas/ that hold a `platform.py`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from activation.platforms.platform import FieldsOnly, Platform

MODULE = "platform"


class UnknownPlatform(Exception):
    """No folder under lambdas/ holds a platform of this name."""


@cache
def every_platform() -> dict[str, Platform | FieldsOnly]:
    """Return every platform by name, in order, those without a publisher included.

    Raises TypeError naming the module whose PLATFORM is not a platform or not named like its folder.
    """
    package = import_module("lambdas")  # without __init__.py: a function has a part of it
    folders = sorted({path.parent.name for root in package.__path__ for path in Path(root).glob(f"*/{MODULE}.py")})
    return {folder: _platform(folder) for folder in folders}


def platforms() -> dict[str, Platform]:
    """Return the platforms that drops can be sent to, by name."""
    return {name: one for name, one in every_platform().items() if isinstance(one, Platform)}


def platform_named(name: str) -> Platform:
    """Return a platform that drops can be sent to; raises UnknownPlatform listing the known ones."""
    found = platforms()
    if name not in found:
        raise UnknownPlatform(f"no platform is called {name!r}; known: {', '.join(found)}")
    return found[name]


def fields_of(name: str, api: str = "") -> Platform | FieldsOnly:
    """Return the platform `name`, or the one for its API `api`; raises UnknownPlatform listing the known ones."""
    found = every_platform()
    for one in found.values():
        if (api and one.api == (name, api)) or (not api and one.name == name):
            return one
    asked = f"{name} {api}".strip()
    raise UnknownPlatform(f"no platform is called {asked!r}; known: {', '.join(found)}")


def _platform(folder: str) -> Platform | FieldsOnly:
    module = import_module(f"lambdas.{folder}.{MODULE}")
    found = getattr(module, "PLATFORM", None)
    if not isinstance(found, Platform | FieldsOnly) or found.name != folder:
        raise TypeError(f"{module.__name__}.PLATFORM has to be a Platform or FieldsOnly named {folder!r}")
    return found
