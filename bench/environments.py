"""The Python environments that are measured: a function's own with its layers, and one with Meta's SDK."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from stacks.settings import Wheels
from stacks.wheels import ALLOCATOR, build_layer

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "bench"
# Packages of Lambda's runtime, which are therefore in none of a function's layers.
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
MACHINES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}


class ChildFailed(Exception):
    """A measuring process failed; the text is the end of its output."""


@dataclass(frozen=True)
class Environment:
    """A Python and where it looks for modules.

    `cores` are those that its processes may run on, None for all.
    """

    python: str
    options: Sequence[str]
    path: Sequence[Path]
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, module: str, *arguments: str, cores: Sequence[int] | None = None) -> dict[str, Any]:
        """Run a module that prints one JSON object at its end; raises ChildFailed."""
        done = subprocess.run(
            self.command("-m", module, *arguments, cores=cores),
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ChildFailed(f"{module}: {done.stderr.strip()[-2000:]}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def command(self, *arguments: str, cores: Sequence[int] | None = None) -> list[str]:
        """Return the command line of a process, bound to `cores` if the system supports that."""
        command = [self.python, *self.options, *arguments]
        if cores is None or not hasattr(os, "sched_setaffinity"):
            return command
        return [sys.executable, str(ROOT / "bench" / "bound.py"), ",".join(map(str, cores)), *command]

    def environment(self) -> dict[str, str]:
        """Return its environment, without the developer's variables that could change imports or endpoints."""
        kept = {name: text for name, text in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        direct = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        return {
            **kept,
            **direct,
            "PYTHONPATH": os.pathsep.join(map(str, self.path)),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.variables,
        }


def function(layers: Sequence[str] = ("activation", "vendor", "arrow")) -> Environment:
    """Return the Python of a deployed function: the standard library, its layers, Lambda's own boto3, its allocator.

    The first call builds the layers for this machine, which needs the package index once.
    """
    wheels = Wheels(
        architecture=MACHINES[platform.machine().lower()],
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        system="macos" if platform.system() == "Darwin" else "linux",
    )
    path = [ROOT]
    for name in layers:
        requirements = ROOT / "layers" / name / "requirements.txt"
        if requirements.exists():
            path.append(build_layer(requirements, wheels, ROOT / ".cache" / "layers") / "python")
        else:
            path.append(ROOT / "layers" / name / "python")
    return Environment(sys.executable, ("-S", "-s"), (*path, _runtime()), ALLOCATOR)


def sdk() -> Environment:
    """Return a Python with Meta's SDK, pandas and numpy; created once, from pins with their hashes."""
    folder = CACHE / "sdk"
    python = folder / "bin" / "python"
    pins = ROOT / "bench" / "requirements.txt"
    made = folder / "made-from"
    if not made.exists() or made.read_text(encoding="utf-8") != pins.read_text(encoding="utf-8"):
        for command in (
            [find_uv_bin(), "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
            [find_uv_bin(), "pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(pins)],
        ):
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode:
                raise ChildFailed(f"the environment of Meta's SDK could not be made: {done.stderr.strip()}")
        made.write_text(pins.read_text(encoding="utf-8"), encoding="utf-8")
    return Environment(str(python), ("-s",), (ROOT,))


def _runtime() -> Path:
    """Return a folder with links to the packages of Lambda's runtime, from this environment."""
    folder = CACHE / "runtime"
    folder.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ChildFailed(f"{name} is not installed here")
        origin = Path(spec.origin)
        source = origin if origin.name != "__init__.py" else origin.parent
        link = folder / source.name
        if not link.is_symlink() or link.resolve() != source:
            link.unlink(missing_ok=True)
            link.symlink_to(source)
    return folder
