"""What answers the measured worker: the simulated Meta, or a sink that keeps nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from bench import cores
from bench.environments import ROOT, ChildFailed, Environment


@contextmanager
def simulator(latency_s: float) -> Iterator[str]:
    """Run the simulated Meta, every answer after `latency_s`; gives its base URL."""
    here = Environment(sys.executable, (), ())
    command = here.command("-m", "sandbox.platforms.meta", cores=cores.the_other())
    with _running(command, None) as url:
        requests.post(f"{url}/_sim/config", json={"latency_s": latency_s}, timeout=10).raise_for_status()
        yield url


@contextmanager
def sink(function: Environment, delay_s: float) -> Iterator[str]:
    """Run the sink; gives its base URL."""
    command = function.command("-m", "bench.inside.sink", str(delay_s), cores=cores.the_other())
    with _running(command, function.environment()) as url:
        yield url


@contextmanager
def _running(command: list[str], environment: dict[str, str] | None) -> Iterator[str]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline().strip() if process.stdout else ""
        if not line.startswith("http"):
            raise ChildFailed(f"{command[-1]} did not start")
        yield line
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout:
            process.stdout.close()
