"""One of a function's processes is killed, or the function changes, and calls in other processes go on."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.unit.sandbox.emulator.driver import Emulator, until

AT_ONCE = 4
# Each process waits in its call until it is let go; while `dies` is there, a new one is killed as it starts.
CODE = """
import os, pathlib, signal, time
FOLDER = pathlib.Path({folder!r})
if (FOLDER / "dies").exists():
    os.kill(os.getpid(), signal.SIGKILL)
(FOLDER / f"starts-{{os.getpid()}}").touch()
while (FOLDER / "waits").exists():
    time.sleep(0.05)
import late
def handler(event, context):
    (FOLDER / str(os.getpid())).touch()
    while not (FOLDER / "go").exists():
        time.sleep(0.05)
    return os.getpid()
"""


class Calls:
    """Calls of one function, in flight together."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator, self.folder = emulator, folder
        self.client = emulator.client("lambda", read_timeout=120)
        self.name = emulator.function(CODE.format(folder=str(folder)), {"late.py": ""}, Timeout=100)
        self.pool = ThreadPoolExecutor(AT_ONCE)

    def begin(self, count: int) -> list[Future[Any]]:
        """Begin some calls."""
        return [self.pool.submit(self._call) for _ in range(count)]

    def pids(self) -> set[int]:
        """Return the processes that have begun a call since the last `let_go`."""
        return {int(one.name) for one in self.folder.iterdir() if one.name.isdigit()}

    def let_go(self, calls: list[Future[Any]]) -> list[Any]:
        """End the calls and return their answers, None for one that failed."""
        (self.folder / "go").touch()
        answers = [one.result() for one in calls]
        for one in self.folder.iterdir():
            one.unlink()
        return answers

    def running(self) -> set[int]:
        """Return the function's processes."""
        listed = requests.get(f"{self.emulator.url}/_workers", timeout=5).json()
        return {one["pid"] for one in listed if one["function"] == self.name}

    def _call(self) -> int | None:
        answer = self.client.invoke(FunctionName=self.name, Payload=b"{}")
        payload = json.loads(answer["Payload"].read())
        return None if "FunctionError" in answer else int(payload)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def calls(emulator: Emulator, tmp_path: Path) -> Calls:
    """Return calls of a function that has no process yet."""
    return Calls(emulator, tmp_path)


def test_a_process_killed_in_its_call_fails_that_call_alone(calls: Calls) -> None:
    """Of four, three answer, and go on with the next calls."""
    begun = calls.begin(AT_ONCE)
    until(lambda: len(calls.pids()) == AT_ONCE, within_s=60)
    killed, *left = calls.pids()
    os.kill(killed, signal.SIGKILL)
    answers = calls.let_go(begun)
    assert answers.count(None) == 1
    assert {one for one in answers if one} == set(left)
    assert calls.running() == set(left)


def test_a_process_killed_as_it_starts_fails_that_call_alone(calls: Calls) -> None:
    """Three are in the midst of their calls, and answer; so they do the next time, with a new fourth."""
    begun = calls.begin(AT_ONCE - 1)
    until(lambda: len(calls.pids()) == AT_ONCE - 1, within_s=60)
    others = calls.pids()
    (calls.folder / "dies").touch()
    (dead,) = calls.begin(1)
    assert dead.result() is None
    assert set(calls.let_go(begun)) == others
    assert calls.running() == others
    begun = calls.begin(AT_ONCE)
    until(lambda: len(calls.pids()) == AT_ONCE, within_s=60)
    assert others < set(calls.let_go(begun))


def test_a_change_of_the_function_lets_its_calls_end(calls: Calls) -> None:
    """Those under way and one whose process is still starting answer from the old code; then it is gone."""
    begun = calls.begin(2)
    until(lambda: len(calls.pids()) == 2, within_s=60)
    (calls.folder / "waits").touch()
    begun += calls.begin(1)
    until(lambda: len(list(calls.folder.glob("starts-*"))) == 3, within_s=60)
    old = {int(one.name.removeprefix("starts-")) for one in calls.folder.glob("starts-*")}
    calls.client.update_function_configuration(
        FunctionName=calls.name, Environment={"Variables": {"COLOUR": "blue"}}
    )
    assert calls.running() == set()
    (calls.folder / "waits").unlink()
    assert set(calls.let_go(begun)) == old
    until(lambda: not any(map(_alive, old)), within_s=20)
    (again,) = calls.begin(1)
    until(lambda: len(calls.pids()) == 1, within_s=60)
    assert calls.let_go([again])[0] not in old
