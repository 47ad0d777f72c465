"""The machine and the versions of a measurement."""

from __future__ import annotations

import os
import platform
import ssl
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.environments import ROOT, Environment

OURS = ("pyarrow", "stringzilla", "urllib3", "boto3")
THEIRS = ("facebook-business", "pandas", "numpy")


def machine(sdk: Environment) -> list[tuple[str, str]]:
    """Describe machine, versions and state of the working tree, in words for a table."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    theirs = sdk_versions(sdk)
    return [
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("commit", _commit()),
        ("processor", f"{_processor()}, {os.cpu_count()} logical cores, {platform.machine()}"),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"),
        ("system", f"{platform.system()} {platform.release()}"),
        ("Python", f"{platform.python_version()}, {ssl.OPENSSL_VERSION}"),
        ("this project's", ", ".join(f"{name} {version(name)}" for name in OURS)),
        ("the SDK path's", ", ".join(f"{name} {theirs[name]}" for name in THEIRS)),
        ("load before (1, 5, 15 minutes)", load),
    ]


def sdk_versions(sdk: Environment) -> dict[str, str]:
    """Return the package versions of the SDK's environment."""
    return {name: str(found) for name, found in sdk.run("bench.inside.versions", *THEIRS).items()}


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    commit = git("rev-parse", "--short", "HEAD")
    return f"{commit or 'unknown'}{' with changes' if git('status', '--porcelain') else ''}"
