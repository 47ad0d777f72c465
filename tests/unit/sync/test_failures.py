"""The table of failures in docs/sync.md, and the command that runs its tests."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.sync_failures import PAGE, TESTS, Failure, Outcomes, failures

TABLE = tuple(failures(PAGE.read_text(encoding="utf-8")))


@cache
def defined(path: Path) -> frozenset[str]:
    """Return the names of a file's tests."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))


@pytest.mark.parametrize("failure", TABLE, ids=lambda one: one.what)
def test_every_failure_names_tests_that_exist(failure: Failure) -> None:
    """A line without a test, or with one that was renamed, claims what nothing shows."""
    assert failure.tests
    assert [name for file, name in failure.tests if name not in defined(TESTS / file)] == []


def test_every_line_of_the_table_is_read() -> None:
    """A line in another form is none that is passed over."""
    lines = PAGE.read_text(encoding="utf-8").partition("## Failures and their tests")[2].splitlines()
    assert len(TABLE) == sum(line.startswith("| ") for line in lines) - 2


def test_a_test_that_failed_or_did_not_run_is_said_in_its_line() -> None:
    """A line whose tests did not all pass never looks as if they had."""
    (one,) = failures("## Failures and their tests\n| it fails | stops | `unit/a.py::test_b`, `::test_c` |\n")
    assert one.tests == (("unit/a.py", "test_b"), ("unit/a.py", "test_c"))
    outcomes = Outcomes({one.tests[0]: ["passed", "failed"]})
    assert outcomes.of(one) == "1 passed, 1 failed, 1 not run"


def test_the_command_prints_the_table_with_what_came_of_it() -> None:
    """Of the lines' tests those that ran are counted, and the others are said not to have run."""
    command = [sys.executable, "-m", "tests.sync_failures", "--quick", "-k", "test_the_last_sizes_are_kept"]
    done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [one for one in done.stdout.splitlines() if one.startswith("│ a slow leak ")]
    assert "1 passed" in line
    assert sum("not run" in one for one in done.stdout.splitlines()) >= len(TABLE) - 1
