"""Processes that outlive the command that started them, each the leader of its own process group."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

_LOG_TAIL_LINES = 20


@dataclass(frozen=True)
class Process:
    """The leader of a process group; `module`, which it runs, tells it from a later process with its id."""

    name: str
    pid: int
    port: int
    module: str

    @property
    def url(self) -> str:
        """Return the base URL it serves."""
        return f"http://127.0.0.1:{self.port}"

    def runs(self) -> bool:
        """Return whether the process exists and is the one that was started."""
        state, command = _state_and_command(self.pid)
        # A process that was just started has no command line until it executes its program.
        return state not in ("", "Z") and (self.module in command or not command)


def _state_and_command(pid: int) -> tuple[str, str]:
    """Return a process's state as one letter and its command line, both "" if it does not exist."""
    if Path("/proc/self").exists():  # slim container images have no ps
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
            command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            return "", ""
        return stat.rpartition(")")[2].split()[0], command
    shown = subprocess.run(
        ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    state, _, command = shown.partition(" ")
    return state[:1], command


def plain_environment() -> dict[str, str]:
    """Return this process's environment without variables that change how Python or an AWS client behaves.

    One of them, PYTHONDONTWRITEBYTECODE, makes every start of the emulator seconds slower.
    """
    return {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}


def free_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spawn(
    command: Sequence[str], log: Path, environment: Mapping[str, str], directory: Path, *, append: bool = False
) -> subprocess.Popen[bytes]:
    """Start a command detached from the terminal, with its output in `log`, or appended to it."""
    with log.open("ab" if append else "wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
            env=dict(environment),
            start_new_session=True,
        )


def wait_until(ready: Callable[[], bool], process: Process, log: Path, within_s: float) -> None:
    """Wait until a process serves; raises SandboxError with the log's end if it ends first or takes too long."""
    end = time.monotonic() + within_s
    while not ready():
        if not process.runs():
            raise SandboxError(f"{process.name} ended at once:\n{tail(log)}")
        if time.monotonic() > end:
            raise SandboxError(f"{process.name} was not ready after {within_s:.0f} s:\n{tail(log)}")
        time.sleep(0.1)


def stop(processes: Iterable[Process]) -> None:
    """Kill process groups; their leaders hold nothing that a gentler stop would save."""
    for process in processes:
        if process.runs():
            _signal_group(process.pid, signal.SIGKILL)


def stop_group(head: subprocess.Popen[bytes]) -> None:
    """Kill a command that this process started, with all its children, and reap it."""
    _signal_group(head.pid, signal.SIGKILL)
    head.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def tail(log: Path) -> str:
    """Return the last lines of a log and the path of the whole log."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join([*lines[-_LOG_TAIL_LINES:], f"(all of it: {log})"])
