"""The key that a command's options stand for, and names that the app would pass over."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.keys import drop_key


@pytest.mark.parametrize("action", ["", "add", "Remove", "replace"])
def test_an_action_is_part_of_the_key(action: str) -> None:
    """None stands for add, and is left out."""
    assert drop_key("meta", "VIP", "raw", action, "a.csv").split("/")[3:] == [
        *([action] if action else []),
        "a.csv",
    ]


@pytest.mark.parametrize(
    ("action", "hint"),
    [("delete", "is remove meant?"), ("sync", "is mirror meant?"), ("run-7", "must be one of add")],
)
@pytest.mark.parametrize("command", ["drop", "plan"])
def test_a_word_that_is_no_action_is_a_mistake(tmp_path: Path, command: str, action: str, hint: str) -> None:
    """In a key it would be the name of a folder, which nothing ever closes."""
    (tmp_path / "a.csv").write_text("email\na@b.example\n")
    arguments = [command, str(tmp_path / "a.csv"), "--connector", "meta", "--audience", "VIP", "--action", action]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert hint in result.output


@pytest.mark.parametrize("command", ["drop", "plan"])
@pytest.mark.parametrize("name", ["people-manifest.csv", "manifest", "people.csv.md5", "_SUCCESS"])
def test_a_file_that_would_be_passed_over_is_refused(tmp_path: Path, command: str, name: str) -> None:
    """Uploaded, it would be taken for a tool's own and never be sent."""
    (tmp_path / name).write_text("email\na@b.example\n")
    arguments = [command, str(tmp_path / name), "--connector", "meta", "--audience", "VIP"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "marker" in result.output
