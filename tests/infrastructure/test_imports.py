"""Imports: a function finds everything it needs in its own asset, its layers and Lambda's runtime."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

from tests.infrastructure.conftest import Templates

# What Lambda's Python runtimes bring themselves: top-level modules, and the distributions they come from.
RUNTIME = {
    "boto3": "boto3",
    "botocore": "botocore",
    "s3transfer": "s3transfer",
    "jmespath": "jmespath",
    "dateutil": "python-dateutil",
    "six": "six",
}

# Reads folders, a module and names as JSON; writes which names are missing and which of our files were loaded.
IMPORT_THEM = """
import importlib, json, sys
searched, handler, names = json.load(sys.stdin)
sys.path[:0] = searched
importlib.import_module(handler)
missing = []
for name in names:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        missing.append(name)
files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
print(json.dumps([missing, {name: file for name, file in files.items() if file.startswith(tuple(searched))}]))
"""


@dataclass(frozen=True)
class Imported:
    """What came of imports: names without a module, and the files of those that were found in our folders."""

    missing: list[str]
    files: dict[str, Path]


def isolated(searched: list[Path], handler: str, names: list[str]) -> Imported:
    """Import in a Python that sees the standard library and `searched`, nothing of this environment."""
    done = subprocess.run(
        # -I: no variables, no user site, no current folder; -S: no site-packages; -B: the assets stay as they are
        [sys.executable, "-I", "-S", "-B", "-c", IMPORT_THEM],
        input=json.dumps([[str(folder) for folder in searched], handler, names]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    missing, files = json.loads(done.stdout)
    return Imported(missing, {name: Path(file) for name, file in files.items()})


def imports(file: Path) -> set[str]:
    """Name every module a file imports, within functions too, but for what only a type checker reads."""
    parsed = ast.parse(file.read_text())
    guards = [
        node for node in ast.walk(parsed) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    skipped = {node for guard in guards for child in guard.body for node in ast.walk(child)}
    names: set[str] = set()
    for node in ast.walk(parsed):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with what Lambda's runtime brings, and nothing else of this environment."""
    folder = tmp_path_factory.mktemp("runtime")
    for module, distribution in RUNTIME.items():
        home = Path(str(metadata.distribution(distribution).locate_file("")))
        (found,) = (path for path in (home / module, home / f"{module}.py") if path.exists())
        (folder / found.name).symlink_to(found)
    return folder


def folder_of(asset: Path) -> Path:
    """Return the folder of a function's handler."""
    (handler,) = asset.glob("lambdas/*/handler.py")
    return handler.parent


def test_every_import_resolves_from_function_and_layers(deployed: Templates, runtime: Path) -> None:
    """A function never needs what only a developer's environment has, not even where it imports late."""
    for connector, asset, layers in deployed.functions():
        folder = folder_of(asset)
        handler = f"lambdas.{folder.name}.handler"
        # Lambda's own order: the function, the layers, the runtime.
        searched = [asset, *layers, runtime]
        loaded = isolated(searched, handler, []).files
        parts = {f"lambdas.{folder.name}.{part}" for part in ("handler", "platform", "publisher", "fields")}
        assert {*parts, "activation.runs.connector", "activation.authentication.signers"} <= set(loaded)
        rooms = {name.split(".")[1] for name in loaded if name.startswith("lambdas.")}
        assert rooms == {path.name for path in (asset / "lambdas").iterdir()}, f"{connector}: what is not imported"
        ours = [file for file in loaded.values() if file.is_relative_to(asset) or file.is_relative_to(layers[0])]
        ours.remove(folder / "checks.py")  # what `doctor` imports late runs in the command alone
        names = sorted(set().union(*(imports(file) for file in ours)))
        assert {"pyarrow", "boto3", "urllib3"} <= {name.partition(".")[0] for name in names}
        assert not isolated(searched, handler, names).missing, connector


def test_the_check_sees_a_missing_wheel(deployed: Templates, runtime: Path) -> None:
    """Without its wheel layers a function does not import: the check looks nowhere else."""
    _, asset, layers = deployed.functions()[0]
    folder = folder_of(asset)
    with pytest.raises(AssertionError, match="ModuleNotFoundError"):
        isolated([asset, layers[0], runtime], f"lambdas.{folder.name}.handler", [])


def test_the_check_sees_a_late_import(tmp_path: Path) -> None:
    """An import inside a function counts, one for the type checker does not."""
    (tmp_path / "late.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import only_for_types\n"
        "def later():\n    import not_there\n"
    )
    names = imports(tmp_path / "late.py")
    assert names == {"typing", "not_there"}
    assert isolated([tmp_path], "late", sorted(names)).missing == ["not_there"]
