"""The commands that the command suggests, as the user can type them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app
from cli.typed import note_sandbox, typed


def test_a_path_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that was called by its path is called so again."""
    monkeypatch.setattr(sys, "argv", [".venv/bin/activation", "status"])
    assert typed("receipt", "r1") == ".venv/bin/activation receipt r1"


def test_a_name_found_on_the_path_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program that the shell found by its name is called by its name, not by the path it was found at."""
    program = tmp_path / "activation"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(program), "status"])
    assert typed("status") == "activation status"
    monkeypatch.setenv("PATH", "")
    assert typed("status") == f"{program} status"


def test_a_module_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m cli` is written with the interpreter and its options as they were typed."""
    monkeypatch.setattr(sys, "argv", ["/app/cli/__main__.py", "status"])
    monkeypatch.setattr(sys, "orig_argv", ["python3.13", "-S", "-m", "cli", "status"])
    assert typed("status") == "python3.13 -S -m cli status"


def test_the_sandbox_is_named_where_it_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """--sandbox stands before the command."""
    monkeypatch.setattr(sys, "argv", ["./activation"])
    assert typed("status", sandbox=True) == "./activation --sandbox status"
    assert typed("status") == "./activation status"


def test_a_command_called_with_sandbox_suggests_it_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sandbox_state: None
) -> None:
    """`--sandbox drop` prints a command that finds the run: the one of the sandbox."""
    monkeypatch.setattr(sys, "argv", ["./activation"])
    monkeypatch.setattr(deployment, "find", lambda: deployment.Deployment("drops", "", "", "", {}))
    people = tmp_path / "people.csv"
    people.write_text("email\nada@example.com\n")
    options = ["--connector", "meta", "--audience", "VIP"]
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="drops")
        inside = CliRunner().invoke(app, ["--sandbox", "drop", str(people), *options])
        outside = CliRunner().invoke(app, ["drop", str(people), *options])
    assert ": ./activation --sandbox receipt " in inside.output
    assert ": ./activation receipt " in outside.output


def test_what_a_shell_would_take_apart_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument with a space can be copied as it is."""
    monkeypatch.setattr(sys, "argv", ["./activation"])
    assert typed("drop", "--audience", "My audience") == "./activation drop --audience 'My audience'"


@pytest.fixture
def sandbox_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a sandbox that runs, at AWS's own addresses, which moto answers."""
    from sandbox import state
    from sandbox.emulator import environment

    running = SimpleNamespace(runs=lambda: True, ended=(), emulator=SimpleNamespace(url=""))
    monkeypatch.setattr(state, "load", lambda _place: running)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(environment, "client_environment", lambda _url: {})
    yield
    note_sandbox(False)
