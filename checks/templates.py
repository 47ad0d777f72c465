"""Hold checkov's findings in a folder of templates against the accepted ones."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ACCEPTED = Path(__file__).with_name("accepted.toml")


@dataclass(frozen=True)
class Accepted:
    """A check whose findings are accepted for the resources that match the patterns, and why."""

    check: str
    resources: tuple[str, ...]
    reason: str

    def covers(self, check: str, resource: str) -> bool:
        """Return whether a finding is accepted."""
        return check == self.check and any(fnmatchcase(resource, pattern) for pattern in self.resources)


def read_accepted(path: Path = ACCEPTED) -> list[Accepted]:
    """Read the accepted findings."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["accepted"]
    return [Accepted(one["check"], tuple(one["resources"]), one["reason"]) for one in entries]


def findings(report: object) -> Iterator[tuple[str, str, str]]:
    """Yield check, resource and file of each finding in a report of checkov's, which is one object or a list."""
    for part in report if isinstance(report, list) else [report]:
        if isinstance(part, Mapping):
            for one in part.get("results", {}).get("failed_checks", []):
                yield one["check_id"], one["resource"], one["file_path"]


def complaints(found: Iterable[tuple[str, str, str]], accepted: Sequence[Accepted]) -> list[str]:
    """Return a sentence for each finding that is not accepted, and for each entry that matches none."""
    found = sorted(set(found))
    new = [
        f"{check} on {resource} in {file}: mend it, or accept it with a reason in {ACCEPTED.name}"
        for check, resource, file in found
        if not any(one.covers(check, resource) for one in accepted)
    ]
    stale = [
        f"{one.check} is accepted for {pattern}, and nothing there has it any more: remove the entry"
        for one in accepted
        for pattern in one.resources
        if not any(check == one.check and fnmatchcase(resource, pattern) for check, resource, _ in found)
    ]
    return new + stale


def run(checkov: str, folder: str) -> Any:
    """Run checkov over a folder of templates, without asking the network for anything; returns its report."""
    command = [checkov, "--directory", folder, "--framework", "cloudformation", "--output", "json", "--compact"]
    done = subprocess.run([*command, "--quiet", "--skip-download"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def check(checkov: str, folder: str) -> str:
    """Run the program over the folder; return its line. Ends the program with a line for each complaint."""
    found = list(findings(run(checkov, folder)))
    if wrong := complaints(found, read_accepted()):
        sys.exit("\n".join(wrong))
    return f"checkov: {len(found)} findings, all accepted with reasons"
