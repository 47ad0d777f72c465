"""The cases' line, and the table of what they came to."""

from __future__ import annotations

import os
import random
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.evidence import Evidence
from tests.end_to_end.line import Line
from tests.faults import cases
from tests.faults.scenario import SEED, SETTINGS, Result, Scenario

RESULTS = pytest.StashKey[list[Result]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known that names a case."""
    config.addinivalue_line(
        "markers", "on(*platforms): the platforms that the case is tried on; Meta alone without"
    )
    config.addinivalue_line("markers", "case(number): the case of tests/faults/cases.py that the test is about")
    config.stash[RESULTS] = []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have a case for each of the platforms that its mark `on` names; Meta's is the one of the quick half."""
    mark = metafunc.definition.get_closest_marker("on")
    if "line" in metafunc.fixturenames:
        names = mark.args if mark else ("meta",)
        marks = {"meta": ()} if len(names) > 1 else dict.fromkeys(names, ())
        chosen = [pytest.param(name, marks=marks.get(name, pytest.mark.faults)) for name in names]
        metafunc.parametrize("line", chosen, indirect=True, ids=names if mark else [pytest.HIDDEN_PARAM])


@pytest.fixture(scope="session")
def _lines(_meta: Line) -> Iterator[dict[str, Line]]:
    lines = {"meta": _meta, "tiktok": Line(_meta.sandbox, "tiktok", "tiktok")}
    yield lines
    lines["tiktok"].reset()


@pytest.fixture
def line(request: pytest.FixtureRequest, _lines: dict[str, Line]) -> Line:
    """Give the case's connector."""
    return _lines[request.param]


@pytest.fixture
def scenario(request: pytest.FixtureRequest, line: Line, evidence: Evidence) -> Iterator[Scenario]:
    """Give a case its line; afterwards nothing of anybody may be found where it does not belong."""
    mark = request.node.get_closest_marker("case")
    number = mark.args[0]
    what = mark.kwargs.get("what") or cases.COVERED[number]
    result = Result(number, what if line.platform == "meta" else f"{line.platform}: {what}")
    request.config.stash[RESULTS].append(result)
    request.node.stash[_OWN] = result
    line.reset(SETTINGS)
    case = Scenario(line, result, random.Random(f"{SEED} {request.node.name}"))
    yield case
    case.end()
    line.sandbox.end_faults()
    assert evidence.search() == []


_OWN = pytest.StashKey[Result]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether the case passed."""
    report = yield
    result = item.stash.get(_OWN, None)
    if result is not None and report.when != "setup":
        result.passed = report.passed and (report.when == "call" or result.passed)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, and write it where FAULTS_TABLE says."""
    results = config.stash.get(RESULTS, [])
    if not results:
        return
    terminalreporter.section(f"faults (seed {SEED})")
    for line in cases.table(results):
        terminalreporter.write_line(line)
    for number, why in cases.NOT_COVERED.items():
        terminalreporter.write_line(f"not covered: {number}: {why}")
    if path := os.environ.get("FAULTS_TABLE"):
        Path(path).write_text(cases.page(results), encoding="utf-8")
