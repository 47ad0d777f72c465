"""The servers that answer the measured worker: the simulated Meta, or a sink that stores nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from bench import cores
from bench.environments import ROOT, ChildFailed, Environment


@dataclass(frozen=True)
class Server:
    """A running server: its base URL and its process."""

    url: str
    process: int

    def cpu_s(self) -> float | None:
        """Return the CPU seconds it has used; None if the system does not report them."""
        status = Path(f"/proc/{self.process}/stat")
        if not status.exists():
            return None
        fields = status.read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def simulator(latency_s: float) -> Iterator[Server]:
    """Run the simulated Meta, every answer after `latency_s`."""
    here = Environment(sys.executable, (), ())
    command = here.command("-m", "sandbox.platforms.meta", cores=cores.the_other())
    with _running(command, None) as server:
        requests.post(f"{server.url}/_sim/config", json={"latency_s": latency_s}, timeout=10).raise_for_status()
        yield server


@contextmanager
def sink(function: Environment, delay_s: float) -> Iterator[Server]:
    """Run the sink, every answer after `delay_s`."""
    command = function.command("-m", "bench.inside.sink", str(delay_s), cores=cores.the_other())
    with _running(command, function.environment()) as server:
        yield server


@contextmanager
def far_end(file: Path, folder: Path) -> Iterator[Server]:
    """Run CI360's storage and S3 for a transfer; `folder` then contains their authority's certificate."""
    here = Environment(sys.executable, (), ())
    command = here.command("-m", "bench.inside.far_end", str(file), str(folder), cores=cores.the_other())
    with _running(command, None) as server:
        yield server


@contextmanager
def _running(command: list[str], environment: dict[str, str] | None) -> Iterator[Server]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline().strip() if process.stdout else ""
        if not line.startswith("http"):
            raise ChildFailed(f"{command[-1]} did not start")
        yield Server(line, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout:
            process.stdout.close()
