"""The checks themselves: no package of the tree is left out of them."""

from __future__ import annotations

import re
import tomllib

from sandbox.place import ROOT

# Not ours, or no source: what is installed, built or cached.
NOT_SOURCE = {"build", "cdk.out", "dist", "node_modules"}


def packages() -> set[str]:
    """Name the top-level folders that hold Python."""
    return {
        folder.name
        for folder in ROOT.iterdir()
        if folder.is_dir() and not folder.name.startswith(".") and folder.name not in NOT_SOURCE
        if any(folder.rglob("*.py"))
    }


def test_the_types_of_every_package_are_checked() -> None:
    """`make check` gives mypy every folder with Python, and the app."""
    found = re.search(r"^SOURCES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found
    assert set(found[1].split()) == packages() | {"app.py"}


def test_every_line_that_a_check_leaves_out_says_why() -> None:
    """A line that a check leaves out says why; what holds in a whole folder is in pyproject.toml."""
    exception = re.compile(r"# (?:ruff: )?(?:noqa|type: ignore)\b(?:: (?:[A-Z]+\d+(?:, )?)+|\[[a-z, -]+\])?(.*)")
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for package in sorted(packages())
        for path in sorted((ROOT / package).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (found := exception.search(line)) and not found[1].strip(" -#")
    ]
    assert bare == []


def test_every_package_is_under_the_dependency_rule() -> None:
    """A package that the import rules do not know could import anything, and be imported by anything."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    library = {"layers": "activation"}
    assert set(rules["root_packages"]) == {library.get(name, name) for name in packages()} - {"tests"}
