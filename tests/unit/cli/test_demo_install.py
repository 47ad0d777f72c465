"""Commands that run the sandbox, where only the command itself or what deploys and operates is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from cli import demo_install
from cli.__main__ import app
from sandbox import requirements
from sandbox.place import Place

RUN = CliRunner()

needs_the_sandbox = pytest.mark.parametrize(
    "arguments", [["demo"], ["demo", "--ci360"], ["sandbox", "up"], ["--sandbox", "status"]], ids=" ".join
)


@pytest.fixture(autouse=True)
def no_sandbox_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a sandbox where there is none, whatever the developer has up."""
    monkeypatch.setattr("sandbox.place.DEFAULT", Place(tmp_path / "none"))


def _refuses_in_a_sentence(arguments: list[str]) -> None:
    done = RUN.invoke(app, arguments)
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "`pip install -r requirements-demo.txt`" in done.stderr


@needs_the_sandbox
def test_without_the_demos_packages_a_command_says_what_to_install(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With requirements.txt alone the sandbox's commands end in one sentence and exit 2, not in a traceback."""

    def not_installed(name: str) -> NoReturn:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(requirements, "distribution", not_installed)
    _refuses_in_a_sentence(arguments)


def test_with_the_demos_packages_a_missing_sandbox_is_a_plain_no() -> None:
    """Where the sandbox could run, `--sandbox` says that none is up and exits 1."""
    done = RUN.invoke(app, ["--sandbox", "status"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no sandbox is running" in done.stderr


@pytest.mark.parametrize(("declared", "found"), [(["typer>=0.1"], True), (["typer", "not-there>=1"], False)])
def test_what_is_needed_is_what_is_declared(
    declared: list[str], found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that is added to the extra is asked for without another list to keep."""
    (tmp_path / "pyproject.toml").write_text(f"[project.optional-dependencies]\ndemo = {declared}\n")
    monkeypatch.setattr(requirements, "ROOT", tmp_path)
    assert requirements.installed() is found


def test_everything_is_installed_here() -> None:
    """The developer's install holds the demo's."""
    assert requirements.installed()


def test_the_job_s_demo_needs_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's packages leave it out; the sentence says what installs it."""
    monkeypatch.setattr(demo_install, "find_spec", lambda name: None if name == "pyspark" else object())
    done = RUN.invoke(app, ["demo", "--normalize"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "`make normalize`" in done.stderr
