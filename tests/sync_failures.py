"""The table of failures in docs/sync.md with what its tests come to: `python -m tests.sync_failures [--quick]`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

TESTS = Path(__file__).parent
PAGE, HEADING = TESTS.parent / "docs" / "sync.md", "## Failures and their tests"
DEPLOYING = ("end_to_end/", "faults/")  # of a path below tests
_NAMED = re.compile(r"`([\w/]*(?:\.py)?)::(test_\w+)`")


@dataclass(frozen=True)
class Failure:
    """A line of the table: what fails, what comes of it, and its tests as (file below tests, name)."""

    what: str
    outcome: str
    tests: tuple[tuple[str, str], ...]


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Outcomes:
    """A plugin of pytest that keeps how each test ended, by its file below tests and its name."""

    found: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the outcome of a call, and of a preparation that did not pass."""
        if report.when == "call" or not report.passed:
            path, _, name = report.nodeid.partition("::")
            test = (path.removeprefix("tests/"), name.partition("[")[0])
            self.found.setdefault(test, []).append(report.outcome)

    def of(self, failure: Failure) -> str:
        """Return how the tests of a failure ended; a test without an outcome was not run."""
        ended = [one for test in failure.tests for one in self.found.get(test, ["not run"])]
        counted = {one: ended.count(one) for one in ("passed", "failed", "skipped", "not run")}
        return ", ".join(f"{count} {one}" for one, count in counted.items() if count)


def failures(text: str) -> Iterator[Failure]:
    """Yield the lines of the table in the page's text; `::name` is in the file that was named before it."""
    for line in text.partition(HEADING)[2].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 3 or cells[0] in ("what", "---"):
            continue
        tests, file = [], ""
        for path, name in _NAMED.findall(cells[2]):
            file = path or file
            tests.append((file, name))
        yield Failure(cells[0], cells[1], tuple(tests))


def main() -> int:
    """Run the tests, print the table, and return pytest's own exit code."""
    quick, *arguments = ("--quick" in sys.argv[1:], *(one for one in sys.argv[1:] if one != "--quick"))
    found, outcomes = list(failures(PAGE.read_text(encoding="utf-8"))), Outcomes()
    asked = dict.fromkeys(test for one in found for test in one.tests)
    ids = [f"{TESTS / file}::{name}" for file, name in asked if not (quick and file.startswith(DEPLOYING))]
    code = pytest.main(["-q", *arguments, *ids], plugins=[outcomes])
    table = Table("what", "outcome", "tests")
    for one in found:
        table.add_row(one.what, one.outcome, outcomes.of(one))
    Console().print(table)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
