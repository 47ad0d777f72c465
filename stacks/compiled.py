"""Compiled files for layers: without them every cold start compiles, since a function cannot write beside them.

They fit one version of Python, that of the wheels, and need an interpreter of it on the machine that synthesises.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import ILocalBundling
from uv import find_uv_bin

IN_LAMBDA = "/opt/python"  # where a layer's modules are, for the traces of errors


@cache
def interpreter(version: str) -> str:
    """Return a Python of a version such as `3.13` on this machine, its path; "" if there is none.

    None is downloaded for it: a layer without compiled files works too.
    """
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    search = [find_uv_bin(), "python", "find", "--no-python-downloads", "--no-project", "--no-config", version]
    found = subprocess.run(search, capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else ""


def compile_modules(folder: Path, version: str) -> None:
    """Compile the modules below a folder, if there is an interpreter for it; those that cannot be are left.

    The compiled files are never compared with their sources, which a layer cannot change.
    """
    if python := interpreter(version):
        paths = ["-s", str(folder), "-p", IN_LAMBDA]
        options = ["-q", "--invalidation-mode", "unchecked-hash", *paths]
        command = [python, "-m", "compileall", *options, str(folder)]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


@jsii.implements(ILocalBundling)
class CompiledCopy:
    """Makes the asset of a layer of our own: a copy of its folder, compiled. Without Docker."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder, self._version = folder, version

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        """Fill the asset's folder; what the CDK calls."""
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".DS_Store")
        shutil.copytree(self._folder, output_dir, dirs_exist_ok=True, ignore=ignored)
        compile_modules(Path(output_dir) / "python", self._version)
        return True
