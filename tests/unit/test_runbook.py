"""The runbook: its commands can be typed, and every alarm of the templates stands in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.unit.parsed_commands import parsed

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
# Each method of `Watch` with the ends of the ids that it makes; the id or its beginning is its first argument.
MADE = {
    "alarm": ("",),
    "depth": ("",),
    "age": ("",),
    "function": ("Errors", "Throttles", "Slow", "Returned"),
    "rule": ("FailedInvocations", "LostEvents"),
}
FILES = ("alarms.py", "connector.py", "drop_watch.py", "doctor.py")
NOT_MADE = {"WatchReturned"}  # no queue calls it
FILLED = {"TIME": "2026-11-30"}


def alarms() -> set[str]:
    """Return the ids of the alarms that the stacks make, by their sources."""
    found = {"SourceFailedInvocations", "SourceLostEvents"}
    for name in FILES:
        for node in ast.walk(ast.parse((ROOT / "stacks" / name).read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=watch, attr=method), args=[ast.Constant(value=str(id_)), *_]
                ) if method in MADE and ast.unparse(watch).endswith("watch"):
                    found |= {f"{id_}{end}" for end in MADE[method]}
                case ast.Assign(targets=[ast.Name(id="FOUND")], value=ast.Tuple(elts=listed)):
                    found |= {one.elts[0].value for one in listed if isinstance(one, ast.Tuple)}  # type: ignore[attr-defined]  # texts
    return found - NOT_MADE


def test_every_alarm_is_in_the_runbook() -> None:
    """Each stands in the first column of a table."""
    rows = [line.split("|")[1] for line in RUNBOOK.splitlines() if line.startswith("| `")]
    told = set(re.findall(r"`(\w+)`", " ".join(rows)))
    made = alarms()
    assert {"DeadLetters", "Rejects", "Overdue", "Tokens", "Shrinking", "FunctionErrors"} <= made
    # The doctor's function has no queue, and its alarms the same ids as a connector's.
    assert sorted(made - told) == []
    assert sorted(told - made) == []


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`(activation [^`]+)`", RUNBOOK))))
def test_each_command_can_be_typed(command: str) -> None:
    """Its placeholders are in capitals, and times are filled."""
    parsed(" ".join(FILLED.get(word, word) for word in command.split()))


def test_the_codes_and_the_first_page_lead_there() -> None:
    """The README links the runbook, and the runbook the codes."""
    assert "](docs/runbook.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](codes.md" in RUNBOOK
