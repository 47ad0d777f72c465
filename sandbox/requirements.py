"""The packages that the sandbox needs besides those of a deployment, as declared in pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution

from sandbox.place import ROOT

EXTRA = "demo"


def installed() -> bool:
    """Return whether every package of the extra is installed for this Python."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = declared["project"]["optional-dependencies"][EXTRA]
    try:
        for requirement in requirements:
            distribution(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
    except PackageNotFoundError:
        return False
    return True
