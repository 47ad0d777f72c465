"""Find the platforms: the folders under lambdas/ that hold a `platform.py`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from zipfile import Path as ZipPath
from zipfile import ZipFile

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
    folders = sorted({name for root in package.__path__ for name in _folders(root)})
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


def _folders(root: str) -> Iterator[str]:
    """Yield the folders below `root` that hold a platform; on Glue that is inside the archive of the source."""
    if Path(root).is_dir():
        yield from (path.parent.name for path in Path(root).glob(f"*/{MODULE}.py"))
        return
    archive = next((path for path in Path(root).parents if path.is_file()), None)
    if archive is not None:
        inside = Path(root).relative_to(archive).as_posix()
        with ZipFile(archive) as opened:
            yield from (
                path.name for path in ZipPath(opened, f"{inside}/").iterdir() if (path / f"{MODULE}.py").is_file()
            )


def _platform(folder: str) -> Platform | FieldsOnly:
    module = import_module(f"lambdas.{folder}.{MODULE}")
    found = getattr(module, "PLATFORM", None)
    if not isinstance(found, Platform | FieldsOnly) or found.name != folder:
        raise TypeError(f"{module.__name__}.PLATFORM has to be a Platform or FieldsOnly named {folder!r}")
    return found
