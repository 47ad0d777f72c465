"""The environment that awswrangler runs in, made beside the command's own at its first use."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from activation.errors import ActivationError

LOCK = Path(__file__).with_name("requirements.txt")


class NoEnvironmentError(ActivationError):
    """The environment cannot be made here."""


def interpreter(inside: Path = Path(sys.prefix)) -> Path:
    """Return the Python of the environment for the lock, in the folder `inside`; it is made if it is not there.

    Only the first call needs the package index. Raises NoEnvironmentError: `no_uv`, `no_environment` with the
    installer's own text.
    """
    folder = inside / f"athena-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists():
        return python
    try:
        from uv import find_uv_bin
    except ImportError:
        sentence = "uv is not installed, which makes awswrangler's environment: install the extra `deploy`"
        raise NoEnvironmentError("no_uv", sentence) from None
    uv = find_uv_bin()
    commands: tuple[list[str | Path], ...] = (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder],
        [uv, "pip", "sync", "--quiet", "--no-config", "--python", python, "--require-hashes", LOCK],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = f"awswrangler could not be installed: {done.stderr.strip()}"
            raise NoEnvironmentError("no_environment", reason)
    ready.touch()
    return python
