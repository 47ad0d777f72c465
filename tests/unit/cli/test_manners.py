"""What holds for every command: groups, examples, --sandbox anywhere, errors for programs, completion."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli import completion, deployment
from cli.__main__ import COMMANDS, GROUPS, app
from cli.commands import Commands

ROOT: Any = typer.main.get_command(app)  # of Typer's own copy of Click, whose types have no public names


def test_every_command_is_in_a_group_of_the_help() -> None:
    """The help shows what a person wants as headings, and each command once."""
    assert set(ROOT.commands) == {name for name, *_ in (*COMMANDS, *GROUPS)}
    shown = CliRunner().invoke(app, ["--help"]).stdout
    for heading in {*(group for _, _, group, _ in COMMANDS), *(group for _, _, group in GROUPS)}:
        assert heading in shown


@pytest.mark.parametrize(("name", "example"), [(name, example) for name, _, _, example in COMMANDS])
def test_an_example_is_of_its_command(name: str, example: str) -> None:
    """It begins with the command's name and has only options that the command takes, with a value where needed."""
    first, *words = shlex.split(example)
    assert first == name
    options = {one: each for each in ROOT.commands[name].params for one in each.opts}
    for word in words:
        assert not word.startswith("--") or word in options, word
    given = {options[word].name for word in words if word in options}
    assert {one.name for one in ROOT.commands[name].params if one.required and one.opts[0][:2] == "--"} <= given


@pytest.mark.parametrize("name", sorted(ROOT.commands))
def test_the_first_sentence_of_a_command_is_one_line(name: str) -> None:
    """The list of commands cuts nothing off."""
    assert len((ROOT.commands[name].help or "").partition("\n\n")[0].replace("\n", " ")) <= 110


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["status", "--sandbox"], ["--sandbox", "status"]),
        (["run", "show", "--sandbox", "a"], ["--sandbox", "run", "show", "a"]),
        (["--sandbox", "status"], ["--sandbox", "status"]),
        (["explain", "--", "--sandbox"], ["explain", "--", "--sandbox"]),
    ],
)
def test_the_sandbox_is_named_anywhere(monkeypatch: pytest.MonkeyPatch, given: list[str], read: list[str]) -> None:
    """Before the command or after it, and never behind a `--`."""
    seen: list[str] = []

    def reads(_: object, __: object, args: list[str]) -> list[str]:
        seen.extend(args)
        return []

    monkeypatch.setattr("typer.core.TyperGroup.parse_args", reads)
    command = Commands(name="activation")
    command.parse_args(typer.Context(command), given)
    assert seen == read


@pytest.mark.parametrize(
    ("sentence", "error"),
    [
        ("no_run_index: deploy it", {"code": "no_run_index", "sentence": "deploy it"}),
        ("no connector x is deployed", {"code": "", "sentence": "no connector x is deployed"}),
    ],
)
def test_a_program_reads_errors_as_json(
    monkeypatch: pytest.MonkeyPatch, sentence: str, error: dict[str, str]
) -> None:
    """With --json an error is an object on stderr, its code apart; without, it is the sentence."""
    monkeypatch.setattr(deployment, "find", lambda: deployment.fail(sentence))
    asked = CliRunner().invoke(app, ["runs", "--json"])
    assert (asked.exit_code, asked.stdout, json.loads(asked.stderr)) == (1, "", {"error": error})
    assert CliRunner().invoke(app, ["runs"]).stderr == f"{sentence}\n"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["codes", "not_an_emial", "--json"], 1, "similar codes: not_an_email"),
        (["receipt", "--json"], 2, "Missing argument"),
        (["runs", "--limit", "x", "--json"], 2, "--limit"),
        (["runz", "--json"], 2, "No such command"),
        (["columns", "--platform", "x", "--json"], 2, "no platform is called"),
        (["run", "undo", "a", "--json"], 2, "needs --yes"),
    ],
)
def test_a_program_reads_usage_errors_as_json(arguments: list[str], exit_code: int, says: str) -> None:
    """Errors in the command line are objects as well, also of commands in a group."""
    asked = CliRunner().invoke(app, arguments)
    assert (asked.exit_code, asked.stdout) == (exit_code, "")
    assert says in json.loads(asked.stderr)["error"]["sentence"]


def test_names_are_completed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Platforms are the release's, connectors those of the settings here; nothing is said where there is none."""
    monkeypatch.chdir(tmp_path)
    assert completion.platforms("ti") == ["tiktok"]
    assert completion.connectors("") == []
    settings = {"connectors": [{"name": "meta-eu", "platform": "meta"}], "alarms": "none"}
    Path("cdk.context.json").write_text(json.dumps({"audience_activation": settings}))
    assert (completion.connectors("me"), completion.connectors("x")) == (["meta-eu"], [])


def test_runs_are_not_completed_without_an_app(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell shows no error while somebody types."""
    monkeypatch.setattr(deployment, "find", lambda: deployment.fail("no app"))
    ctx = ROOT.make_context("activation", ["status"], resilient_parsing=True)
    assert completion.runs(ctx, "ab") == []
    assert capsys.readouterr() == ("", "")


def test_runs_are_completed_from_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """After --sandbox its environment is used, wherever the option stands; without it AWS is asked."""
    asked: list[str] = []

    def of_sandbox() -> dict[str, str]:
        asked.append("sandbox")
        return {}

    monkeypatch.setattr(completion, "_of_sandbox", of_sandbox)
    monkeypatch.setattr(deployment, "find", lambda: deployment.fail("no app"))
    for words in (["status"], ["--sandbox", "receipt"], ["receipt", "--sandbox"]):
        ctx = ROOT.make_context("activation", words, resilient_parsing=True)
        assert completion.runs(ctx, "") == []
    assert asked == ["sandbox", "sandbox"]
