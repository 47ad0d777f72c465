"""A run that fails says at which step, and leaves nothing deployed."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from smoke import folder, leftovers
from smoke.life import Life
from smoke.steps import StepFailed, Steps

OUTPUTS = ("MetaDropperPolicyArn", "ReaderPolicyArn", "OperatorPolicyArn", "MetaQueueUrl")


@dataclass
class FakeShell:
    """Answers each command with what `answers` has for its first word, one by one; notes what was typed."""

    folder: Path
    answers: Mapping[str, str | Sequence[str]]
    typed: list[str] = field(default_factory=list)

    def activation(self, *arguments: str, exits: Sequence[int] = (0,), given: str = "") -> str:
        """Note a command and what it was given; raises StepFailed where there is no answer to it."""
        self.typed.append(" ".join((*arguments, given)).strip())
        word = next(one for one in arguments if not one.startswith(("--", "smoke-")))
        if word not in self.answers:
            raise StepFailed(f"exit 1: {word}")
        answers = self.answers[word]
        if isinstance(answers, str):
            return answers
        before = sum(one.split()[0] == word for one in self.typed) - 1
        return answers[min(before, len(answers) - 1)]

    def json(self, *arguments: str, exits: Sequence[int] = (0,)) -> list[dict[str, Any]]:
        """Note a command and read its answer."""
        return [json.loads(line) for line in self.activation(*arguments, exits=exits).splitlines()]

    def cdk(self, *arguments: str) -> str:
        """Note a command."""
        self.typed.append(" ".join(("cdk", *arguments[:2])))
        return ""

    def outputs(self, _file: Path) -> dict[str, str]:
        """Return every output that is looked for."""
        return {name: f"arn:{name}" for name in OUTPUTS}


@dataclass
class FakeAccount:
    """An account whose only user is the shell."""

    shell: FakeShell
    any_endpoint: bool = True
    wheels: Mapping[str, str] = field(default_factory=dict)
    cleaned: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        """Return a client of which only the stack of a bootstrapped account is asked."""

        class Client:
            meta = SimpleNamespace(region_name="eu-central-1")

            def describe_stacks(self, **_: object) -> None:
                """Say nothing: there is one."""

        return Client()

    def prepare(self, name: str) -> str:
        """Do nothing."""
        return ""

    def operator(self, policies: Sequence[str]) -> tuple[FakeShell, str]:
        """Return the shell."""
        assert list(policies) == [f"arn:{name}" for name in OUTPUTS[:3]]
        return self.shell, "somebody"

    def secret(self) -> dict[str, str]:
        """Return a secret."""
        return {"access_token": "the-token"}

    def received(self, audience: str) -> int | None:
        """Return None."""
        return None

    def clean(self, name: str) -> None:
        """Note it."""
        self.cleaned.append(name)


@pytest.fixture
def printed() -> io.StringIO:
    """Return what the steps print to."""
    return io.StringIO()


def finding(check: str = "secret", *, ok: bool = True, says: str = "has it") -> str:
    """Return a line that `doctor` prints."""
    return json.dumps({"connector": "meta", "check": check, "ok": ok, "says": says})


UNWRITTEN = finding(ok=False, says="not written yet: activation secret set meta")


def failing(
    tmp_path: Path, printed: io.StringIO, monkeypatch: pytest.MonkeyPatch, **answers: str | Sequence[str]
) -> FakeAccount:
    """Live a life whose commands answer so; it must fail. Something is deployed, whichever step that is."""
    monkeypatch.setattr(leftovers, "resources", lambda *_: {"a-bucket": "AWS::S3::Bucket"})
    account = FakeAccount(FakeShell(tmp_path, answers))
    with pytest.raises(StepFailed):
        Life(account, Steps(Console(file=printed, width=200)), "smoke-1").live()  # type: ignore[arg-type]  # a fake
    return account


def test_a_step_that_fails_is_named_and_what_was_deployed_is_destroyed(
    tmp_path: Path, printed: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drop fails: its line says so, and the app is destroyed with what stands beside it."""
    doctor = (UNWRITTEN, finding())
    account = failing(tmp_path, printed, monkeypatch, doctor=doctor, secret="", destroy="")
    lines = printed.getvalue().splitlines()
    assert [line.split()[0] for line in lines[-2:]] == ["FAIL", "ok"]
    assert "activation drop" in lines[-2]
    assert account.shell.typed[-1] == "--stack smoke-1 destroy --yes"
    assert account.cleaned == ["smoke-1"]


def test_what_cannot_be_destroyed_is_said(
    tmp_path: Path, printed: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command to try again is printed, since the app's name is random."""
    failing(tmp_path, printed, monkeypatch)
    assert "activation --stack smoke-1 destroy" in printed.getvalue().splitlines()[-1]


def test_the_token_is_on_no_command_line(
    tmp_path: Path, printed: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secret is given on the standard input, and is not printed."""
    doctor = (UNWRITTEN, finding())
    account = failing(tmp_path, printed, monkeypatch, doctor=doctor, secret="", destroy="")
    (typed,) = [one for one in account.shell.typed if one.startswith("secret")]
    assert typed == 'secret set meta --file - {"access_token": "the-token"}'
    assert "the-token" not in printed.getvalue()


@pytest.mark.parametrize(
    "doctor",
    [
        ("",),
        (finding(),),
        (finding(ok=False, says="AWS answered AccessDeniedException"),),
        ("\n".join((UNWRITTEN, finding("alarms", ok=False, says="cannot be listed"))),),
        (UNWRITTEN, ""),
        (UNWRITTEN, UNWRITTEN),
    ],
)
def test_doctor_has_to_miss_the_secret_and_nothing_else_and_then_nothing(
    tmp_path: Path, printed: io.StringIO, monkeypatch: pytest.MonkeyPatch, doctor: Sequence[str]
) -> None:
    """A doctor that ends with exit 1 for another reason, or prints no finding, is no doctor that works."""
    failing(tmp_path, printed, monkeypatch, doctor=doctor, secret="", destroy="")
    (line,) = [one for one in printed.getvalue().splitlines() if one.startswith("FAIL")]
    assert "activation doctor" in line


def test_the_settings_are_those_of_a_user(tmp_path: Path) -> None:
    """They name a fresh app each time, and change nothing of what is kept when a stack is deleted."""
    names = {folder.fresh_name() for _ in range(20)}
    assert len(names) == 20
    folder.write(tmp_path, folder.settings(names.pop(), any_endpoint=False, wheels={}, more={}))
    written = json.loads((tmp_path / "cdk.context.json").read_text())["audience_activation"]
    assert (written["endpoints"], "removal" in written) == ("platform", False)
    assert json.loads((tmp_path / "cdk.json").read_text())["app"].endswith("app.py")
