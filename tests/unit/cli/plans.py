"""Files to plan, and the plans of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from cli.__main__ import app

HEADER = ["email", "phone", "first_name", "plan"]


def planned(path: Path, *arguments: str, connector: str = "meta", exit_code: int = 0) -> dict[str, Any]:
    """Plan a file; returns the JSON."""
    command = ["plan", str(path), "--connector", connector, "--audience", "VIP", "--json", *arguments]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def written(path: Path, rows: list[list[str]], header: list[str] | None = None) -> Path:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header or HEADER, *rows])
    return path


def people(count: int) -> list[list[str]]:
    """Make rows of different people."""
    return [[f"one.{number}@example.com", f"+1415555{number:04}", "Ada", "gold"] for number in range(count)]


def warned(plan: dict[str, Any]) -> list[str]:
    """Return the codes of a plan's warnings."""
    return [one["code"] for one in plan["warnings"]]
