"""The cases' line, and the table of what they came to."""

from __future__ import annotations

import os
import random
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.dialects import configured, dialects
from tests.end_to_end.evidence import Evidence
from tests.end_to_end.line import Line
from tests.faults import cases
from tests.faults.scenario import SEED, SETTINGS, Result, Scenario

RESULTS = pytest.StashKey[list[Result]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known that name a case and say where it is tried."""
    for line in (
        "every_platform(*words): tried on every connector; with words, where the dialect knows them all",
        "on(platform): tried on that platform's connectors alone; without either mark, on the first connector",
        "case(number): the case of tests/faults/cases.py that the test is about",
    ):
        config.addinivalue_line("markers", line)
    config.stash[RESULTS] = []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have a case for each connector it is to be tried on; the quick half is tried on the first one alone."""
    if "line" not in metafunc.fixturenames:
        return
    known, case = configured(), metafunc.definition
    first = next(iter(known))
    names = [first]
    if (mark := case.get_closest_marker("every_platform")) is not None:
        unknown = [word for word in mark.args if not any(one.knows(word) for one in dialects().values())]
        assert not unknown, f"{case.name} needs what no dialect knows: {unknown}"
        names = [name for name, one in known.items() if all(map(one.knows, mark.args))]
    elif (mark := case.get_closest_marker("on")) is not None:
        names = [name for name, one in known.items() if one.platform in mark.args]
    chosen = [pytest.param(name, marks=() if name == first else pytest.mark.faults) for name in names]
    metafunc.parametrize("line", chosen, indirect=True, ids=names if mark else [pytest.HIDDEN_PARAM])


@pytest.fixture
def line(request: pytest.FixtureRequest, lines: dict[str, Line]) -> Line:
    """Return the case's connector."""
    return lines[request.param]


@pytest.fixture
def scenario(request: pytest.FixtureRequest, line: Line, evidence: Evidence) -> Iterator[Scenario]:
    """Return a case its line; afterwards nothing of anybody may be found where it does not belong."""
    mark = request.node.get_closest_marker("case")
    number = mark.args[0]
    result = Result(number, mark.kwargs.get("what") or cases.COVERED[number], line.connector)
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
