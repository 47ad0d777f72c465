"""The versions of the platforms' APIs: pinned once, the same in the simulators, and warned of before they end."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from activation.platforms.discovery import every_platform
from activation.platforms.version import ApiVersion
from typer.testing import CliRunner

from cli import today
from cli.__main__ import app
from lambdas.doctor.connector import of_version
from lambdas.meta.platform import PLATFORM
from lambdas.meta_conversions.platform import PLATFORM as CONVERSIONS
from lambdas.meta_graph.api import API_VERSION, GRAPH_ENDS, MARKETING_ENDS
from sandbox.platforms.meta.settings import NEWEST, OPEN

ROOT = Path(__file__).resolve().parents[2]
END = date(2030, 6, 1)
VERSION = ApiVersion("v99.0", END, "https://platform.example/versions", "2026-11-29")


def test_simulator_and_publisher_name_the_same_version() -> None:
    """The version that every call names is the simulator's newest, and both know the same versions."""
    assert API_VERSION == NEWEST
    for platform, ends in ((PLATFORM, MARKETING_ENDS), (CONVERSIONS, GRAPH_ENDS)):
        assert tuple(ends) == OPEN
        assert platform.version is not None
        assert (platform.version.name, platform.version.ends) == (API_VERSION, ends[API_VERSION])


def test_audiences_lose_a_version_before_events_do() -> None:
    """Meta ends a version for the Marketing API first, and for the Graph API, which events use, years later."""
    ends = [(MARKETING_ENDS[name], GRAPH_ENDS[name]) for name in OPEN]
    known = [(marketing, graph) for marketing, graph in ends if marketing and graph]
    assert known
    assert all(marketing < graph for marketing, graph in known)


def test_the_version_is_pinned_in_one_place() -> None:
    """No module of Meta's platforms but one has a version in a text."""
    folders = {*PLATFORM.folders, *CONVERSIONS.folders}
    texts = {
        f"{path.parent.name}/{path.name}"
        for folder in folders
        for path in (ROOT / "lambdas" / folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and str(node.value) in OPEN
    }
    assert texts == {"meta_graph/api.py"}


@pytest.mark.parametrize(
    ("days", "says"),
    [(61, None), (60, "in 60 days"), (1, "tomorrow"), (0, "ended on 2030-06-01"), (-400, "ended on 2030-06-01")],
)
def test_the_end_is_warned_of_from_sixty_days_before(days: int, says: str | None) -> None:
    """There is no warning until sixty days before the end, and one from then on, for ever."""
    warning = VERSION.warning(END - timedelta(days))
    assert (warning is None) == (says is None)
    if warning:
        assert warning.code == "api_version_ends"
        assert says
        assert says in warning.sentence


def test_a_version_without_an_announced_end_is_not_warned_of() -> None:
    """A platform that has announced no end gives nothing to warn of."""
    assert replace(VERSION, ends=None).warning(date(2199, 1, 1)) is None


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that sets the day, as the days that are left until the end."""
    return lambda days: monkeypatch.setattr(today, "today", lambda: END - timedelta(days))


@pytest.mark.parametrize(("days", "found"), [(61, []), (60, [True]), (0, [False])])
def test_doctor_warns_of_the_end_and_fails_after_it(
    on: Callable[[int], None], days: int, found: list[bool]
) -> None:
    """The check passes with a warning until the version has ended."""
    on(days)
    assert [(one.ok, one.warns) for one in of_version(VERSION, today.today())] == [(ok, True) for ok in found]


@pytest.mark.parametrize(("days", "warned"), [(61, False), (60, True)])
def test_plan_warns_of_the_end(
    on: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, days: int, warned: bool
) -> None:
    """A plan warns as `doctor` does, beside what it says of the file."""
    on(days)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(every_platform(), "meta", replace(PLATFORM, version=VERSION))
    file = tmp_path / "people.csv"
    file.write_text("email\n" + "".join(f"person{number}@example.com\n" for number in range(150)))
    result = CliRunner().invoke(app, ["plan", str(file), "--connector", "meta", "--audience", "VIP", "--json"])
    codes = [one["code"] for one in json.loads(result.stdout)["warnings"]]
    assert codes == (["api_version_ends"] if warned else [])
