"""What a sandbox remembers of itself between commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import state
from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.processes import Process


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a place of its own."""
    made = Place(tmp_path / "sandbox")
    made.make()
    return made


def test_state_comes_back_as_it_was_saved(place: Place) -> None:
    """Processes, setting and what was printed survive the command that wrote them."""
    processes = (Process("aws", 1, 4566, "sandbox.emulator"), Process("meta", 2, 5000, "sandbox.platforms.meta"))
    saved = state.State(processes, auth=True, printed={"region": "us-east-1"})
    state.save(place, saved)
    loaded = state.load(place)
    assert loaded == saved
    assert loaded.emulator.url == "http://127.0.0.1:4566"
    assert [one.name for one in loaded.simulators] == ["meta"]


def test_no_state_is_an_empty_one(place: Place) -> None:
    """Where no sandbox was left there are no processes, and nothing runs."""
    assert not state.load(place).runs()
    state.forget(place)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"processes": [{"name": "x"}], "auth": true, "printed": {}}'])
def test_unreadable_state_says_what_to_do(place: Place, text: str) -> None:
    """A damaged file is not taken for no sandbox: its processes may still run."""
    place.state.write_text(text)
    with pytest.raises(SandboxError, match="by hand"):
        state.load(place)


def test_two_commands_do_not_work_on_one_sandbox(place: Place) -> None:
    """While one command starts or ends a sandbox, another is told so at once."""
    with state.alone(place), pytest.raises(SandboxError, match="another command"), state.alone(place):
        pass
    with state.alone(place):
        pass
