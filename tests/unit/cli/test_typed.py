"""The commands that the command suggests, as the user can type them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cli.typed import typed


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


def test_what_a_shell_would_take_apart_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument with a space can be copied as it is."""
    monkeypatch.setattr(sys, "argv", ["./activation"])
    assert typed("drop", "--audience", "My audience") == "./activation drop --audience 'My audience'"
