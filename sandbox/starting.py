"""Starts the processes of a sandbox, the emulator and the simulators, and those again that have ended."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import requests

from sandbox import ci360, connectors, state
from sandbox.place import DEFAULT, ROOT, Place
from sandbox.processes import Process, free_port, plain_environment, spawn, wait_until
from sandbox.state import EMULATOR, State

# What a platform takes hours for and nobody could watch: `sandbox up` and the demo name it. Its simulator alone
# keeps to the platform's times.
SHORTENED = {"tiktok": {"processing_s": 1.0}}
_READY_S = 60.0
_PLATFORMS = ROOT / "sandbox" / "platforms"


def revived(place: Place = DEFAULT) -> tuple[State, str]:
    """Restart the simulators that have ended; return the sandbox's state, and their names, "" if all were alive.

    Raises SandboxError where another command is starting or stopping the sandbox, or one does not start.
    """
    found = state.load(place)
    if not found.runs() or not found.ended:
        return found, ""
    with state.alone(place):
        found = state.load(place)
        return revive(place, found), names(found.ended)


def start(place: Place, current: State, platforms: Iterable[str]) -> State:
    """Start the emulator and these simulators, and wait for all of them; the state is saved first."""
    modules = {EMULATOR: "sandbox.emulator"}
    modules |= {name: f"sandbox.platforms.{name}" for name in platforms}
    for name, module in modules.items():
        started = _spawn(place, Process(name, 0, free_port(), module), auth=current.auth)
        current = replace(current, processes=(*current.processes, started))
        state.save(place, current)
    for process in current.processes:
        _wait(place, process)
    return current


def revive(place: Place, current: State) -> State:
    """Start the simulators that have ended again, at their addresses and with what they held; save the state.

    Only for the one command that may change the sandbox (`state.alone`).
    """
    ended = {one.name for one in current.ended}
    processes = tuple(
        _spawn(place, one, auth=current.auth, append=True) if one.name in ended else one
        for one in current.processes
    )
    current = replace(current, processes=processes)
    state.save(place, current)
    for process in current.simulators:
        if process.name in ended:
            _wait(place, process)
    if ci360.SIMULATOR in ended and place.outputs.exists():  # its certificate is of its process
        urls = {one.name: one.url for one in current.simulators}
        outputs = json.loads(place.outputs.read_text())
        ci360.let_in(outputs, urls, partial(connectors.client, current.emulator.url))
    return current


def names(processes: Iterable[Process]) -> str:
    """Return the simulators' names as a text."""
    return ", ".join(f"the simulated {one.name}" for one in processes)


def _spawn(place: Place, process: Process, *, auth: bool, append: bool = False) -> Process:
    """Start a process of a sandbox on its port; return it with its new id."""
    command = [sys.executable, "-m", process.module, "--port", str(process.port)]
    if process.name == EMULATOR:
        command += ["--directory", str(place.directory), *(["--auth"] if auth else [])]
    else:
        command += ["--history", str(place.history(process.name))]
        command += ["--settings", json.dumps(SHORTENED.get(process.name, {}))]
    started = spawn(command, place.log(process.name), plain_environment(), ROOT, append=append)
    return replace(process, pid=started.pid)


def _wait(place: Place, process: Process) -> None:
    page = "/_ministack/health" if process.name == EMULATOR else "/_sim/state?members=0"
    wait_until(partial(_answers, process.url + page), process, place.log(process.name), _READY_S)


def simulators(folder: Path = _PLATFORMS) -> list[str]:
    """Return the names of the simulated platforms: the folders that can be run."""
    return sorted(program.parent.name for program in folder.glob("*/__main__.py"))


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
