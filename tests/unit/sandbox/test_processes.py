"""Processes that outlive the command that starts them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.processes import Process, free_port, plain_environment, spawn, stop, stop_group, wait_until

SLEEP = "import time; time.sleep(60)  # {marker}"


def _start(tmp_path: Path, code: str, marker: str) -> tuple[Process, Path]:
    log = tmp_path / "log"
    started = spawn([sys.executable, "-c", code.format(marker=marker)], log, os.environ, tmp_path)
    return Process("one", started.pid, free_port(), marker), log


def test_stopping_takes_the_children_along(tmp_path: Path) -> None:
    """A process started by the one that is stopped ends with it."""
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)  # {marker}'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    process, log = _start(tmp_path, code, "marker_of_children")
    wait_until(lambda: log.read_text() != "", process, log, 10)
    child = Process("child", int(log.read_text()), 0, "marker_of_children")
    assert process.runs()
    assert child.runs()
    stop([process])
    wait_until(lambda: not child.runs() and not process.runs(), Process("self", os.getpid(), 0, "python"), log, 10)


def test_reused_process_id_is_left_alone(tmp_path: Path) -> None:
    """A process with the right id that was started with something else is not the sandbox's, and is not ended."""
    process, log = _start(tmp_path, SLEEP, "marker_of_mine")
    stranger = Process("one", process.pid, process.port, "sandbox.emulator")
    wait_until(lambda: process.runs() and not stranger.runs(), process, log, 5)  # it has no command line at first
    stop([stranger])
    assert process.runs()
    stop([process])


def test_process_that_ends_at_once_is_reported_with_its_words(tmp_path: Path) -> None:
    """Waiting for a process that failed to start raises with the end of its log, not after the whole wait."""
    process, log = _start(tmp_path, "import sys; sys.exit('no such thing {marker}')", "marker_of_failure")
    with pytest.raises(SandboxError, match="no such thing"):
        wait_until(lambda: False, process, log, 30)


def test_process_that_never_serves_is_reported(tmp_path: Path) -> None:
    """A process that runs and does not answer is given up after the time it was given."""
    process, log = _start(tmp_path, SLEEP, "marker_of_silence")
    with pytest.raises(SandboxError, match="not ready"):
        wait_until(lambda: False, process, log, 0.3)
    stop([process])


def test_own_command_is_stopped_and_reaped(tmp_path: Path) -> None:
    """A command's group is killed and leaves no zombie."""
    started = spawn([sys.executable, "-c", SLEEP], tmp_path / "log", os.environ, tmp_path)
    stop_group(started)
    assert started.returncode is not None


def test_environment_of_processes_has_nothing_of_aws_or_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and interpreter settings of the shell do not reach what the sandbox starts."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("KEPT", "yes")
    plain = plain_environment()
    assert plain["KEPT"] == "yes"
    assert not [name for name in plain if name.startswith(("AWS_", "PYTHON"))]
