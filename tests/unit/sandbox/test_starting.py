"""Simulators that end are named and started again with what they held."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from cli.sandbox import sandbox as command
from cli.sandbox_status import status_lines
from sandbox import state
from sandbox.errors import SandboxError
from sandbox.lifecycle import bare
from sandbox.place import Place
from sandbox.processes import Process
from sandbox.starting import revive, revived
from sandbox.state import State
from sandbox.status import status
from tests.unit.sandbox.emulator.driver import until

RUN = CliRunner()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run an emulator and two simulators."""
    there = Place(tmp_path_factory.mktemp("sandbox"))
    with bare(there, ("meta", "tiktok")):
        yield there


def _simulator(place: Place, name: str) -> Process:
    return next(one for one in state.load(place).simulators if one.name == name)


def _kill(process: Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not process.runs())


def _held(process: Process) -> Any:
    """Return the names of a simulator's audiences, and its number of calls."""
    shown = requests.get(f"{process.url}/_sim/state?members=0", timeout=5).json()
    return sorted(one["name"] for one in shown["audiences"]), shown["counters"]["requests"]


def _make_audience(meta: Process, name: str) -> None:
    secret = requests.get(f"{meta.url}/_sim/secret", timeout=5).json()
    made = requests.post(
        f"{meta.url}/v26.0/act_{secret['ad_account_id'].removeprefix('act_')}/customaudiences",
        data={"name": name, "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"},
        headers={"Authorization": f"Bearer {secret['access_token']}"},
        timeout=5,
    )
    assert made.ok, made.text


def test_a_killed_simulator_comes_back_with_its_history(place: Place) -> None:
    """It is at its address again, with the audiences, the calls and the time that it had; the other went on."""
    meta, tiktok = _simulator(place, "meta"), _simulator(place, "tiktok")
    _make_audience(meta, "before")
    requests.post(f"{meta.url}/_sim/clock", json={"advance_s": 86400}, timeout=5).raise_for_status()
    time.sleep(1)  # what happened within the last second is not kept
    _kill(meta)
    found = state.load(place)
    assert found.runs()
    assert [one.name for one in found.ended] == ["meta"]
    told = {one["name"]: one["alive"] for one in status(place)["processes"]}
    assert told == {"emulator": True, "meta": False, "tiktok": True}
    revive(place, found)
    again = _simulator(place, "meta")
    assert (again.port, again.pid == meta.pid) == (meta.port, False)
    assert _held(again) == (["before"], 1)
    ahead_s = requests.get(f"{again.url}/_sim/state?members=0", timeout=5).json()["time"] - time.time()
    assert ahead_s == pytest.approx(86400, abs=60)
    assert _simulator(place, "tiktok") == tiktok
    _make_audience(again, "after")
    assert _held(again) == (["after", "before"], 2)


def test_status_says_what_has_ended_and_what_starts_it(place: Place) -> None:
    """It exits 1, in words and as JSON, and exits 0 once all runs again."""
    _kill(_simulator(place, "tiktok"))
    done = RUN.invoke(command, ["status", "--directory", str(place.directory)])
    assert done.exit_code == 1
    assert "tiktok        ended" in done.stdout
    assert "what has ended starts again with what it held by: " in done.stdout
    revive(place, state.load(place))
    done = RUN.invoke(command, ["status", "--json", "--directory", str(place.directory)])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["up"]
    assert [one["answers"] for one in told["processes"]] == [True, True, True]
    assert told["clock"].endswith("Z")
    assert told["functions"] == []


def test_a_process_whose_answer_is_an_error_does_not_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status says so, also where the error is JSON, and exits 1."""
    error = requests.Response()
    error.status_code, error._content = 500, b"{}"
    monkeypatch.setattr("sandbox.status.requests.get", lambda *_, **__: error)
    done = RUN.invoke(command, ["status", "--json", "--directory", str(place.directory)])
    assert done.exit_code == 1
    assert [one["answers"] for one in json.loads(done.stdout)["processes"]] == [False, False, False]


def test_only_one_command_restarts(place: Place) -> None:
    """While another command holds the sandbox, here the one that started it, nothing is started twice."""
    assert revived(place) == (state.load(place), "")
    _kill(_simulator(place, "tiktok"))
    with pytest.raises(SandboxError, match="another command is starting or ending"):
        revived(place)
    revive(place, state.load(place))


def test_logs_are_of_the_emulator_a_simulator_or_a_function(place: Place) -> None:
    """The last lines of each; no name, or one that is none of them, lists what there is."""
    at = ["--directory", str(place.directory)]
    done = RUN.invoke(command, ["logs", "emulator", "--lines", "3", *at])
    assert done.exit_code == 0
    assert 0 < len(done.stdout.splitlines()) <= 3
    done = RUN.invoke(command, ["logs", "meta", *at])
    assert _simulator(place, "meta").url in done.stdout
    done = RUN.invoke(command, ["logs", *at])
    assert (done.exit_code, done.stdout.splitlines()) == (0, ["emulator", "meta", "tiktok"])
    done = RUN.invoke(command, ["logs", "snapchat", *at])
    assert done.exit_code == 1
    assert "snapchat: no such log; there are\n  emulator\n  meta\n  tiktok" in done.stderr


def test_without_a_sandbox_there_is_no_status_and_no_log(tmp_path: Path) -> None:
    """Both exit 1, and say which command starts one."""
    at = ["--directory", str(tmp_path)]
    done = RUN.invoke(command, ["status", *at])
    assert (done.exit_code, "no sandbox is running; start one: " in done.stdout) == (1, True)
    done = RUN.invoke(command, ["logs", *at])
    assert (done.exit_code, done.stderr) == (1, "no sandbox is running\n")


def test_status_counts_what_is_not_enforced() -> None:
    """A list of it at each call would hide the rest; --all has it."""
    ignored = [{"type": "AWS::S3::Bucket", "property": name, "effect": "none"} for name in ("Tags", "Lifecycle")]
    found = {
        "processes": [],
        "up": True,
        "clock": "now",
        "delivering": 0,
        "functions": [],
        "not_enforced": ignored,
    }
    (said,) = (one for one in status_lines(found, "up", every=False) if one.startswith("not enforced"))
    assert said == "not enforced  2 properties in 1 resource type; --all lists them"
    listed = [one for one in status_lines(found, "up", every=True) if one.startswith("not enforced")]
    assert listed[0] == "not enforced  AWS::S3::Bucket Tags: none"
    assert len(listed) == 2


def test_an_ended_emulator_is_the_end_of_the_sandbox(tmp_path: Path) -> None:
    """What it held is gone, and status says so."""
    place = Place(tmp_path)
    place.make()
    state.save(place, State((Process("aws", 2**22 + 1, 1, "sandbox.emulator"),), printed={"region": "us-east-1"}))
    assert not state.load(place).runs()
    done = RUN.invoke(command, ["status", "--directory", str(tmp_path)])
    assert done.exit_code == 1
    assert "the emulator has ended, with all that it held" in done.stdout
