"""The session that the documentation shows, run again: every command against the simulated API, line by line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platforms.marketing_stream.conftest import Run

PAGE = Path(__file__).resolve().parents[3] / "docs" / "marketing_stream_session.md"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def blocks(kind: str) -> list[str]:
    """Return the page's blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def steps() -> Iterator[tuple[list[str], str]]:
    """Return each command's arguments and what the page says it prints, exit code included."""
    for block in blocks("console"):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, said = step.partition("\n")
            program, *arguments = shlex.split(line)
            assert program == "activation"
            yield arguments, said


def test_the_documented_session_is_what_happens(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command prints what the page says it prints, but for the time of day, and ends as it says."""
    monkeypatch.chdir(tmp_path)
    (file,) = blocks("yaml")
    Path("subscriptions.yml").write_text(file)
    happened, documented = [], []
    for arguments, said in steps():
        done = run(*arguments, program="cli")
        ended = f"[exit {done.returncode}]\n" if done.returncode else ""
        happened.append((arguments, _TIME.sub("TIME", done.stdout + done.stderr + ended)))
        documented.append((arguments, _TIME.sub("TIME", said)))
    assert len(documented) > 10
    assert happened == documented
