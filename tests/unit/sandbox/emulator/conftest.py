"""One emulator for all tests of its hooks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sandbox.place import ROOT
from sandbox.processes import free_port, plain_environment, spawn, stop_group
from tests.unit.sandbox.emulator.driver import Emulator, until


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Start the emulator as the sandbox does, in a process group of its own."""
    directory = tmp_path_factory.mktemp("emulator")
    port = free_port()
    process = spawn(
        [sys.executable, "-m", "sandbox.emulator", "--port", str(port), "--directory", str(directory)],
        directory / "log",
        plain_environment(),
        ROOT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(url, process), within_s=60)
        yield Emulator(url, directory)
    finally:
        stop_group(process)


@pytest.fixture
def faults(emulator: Emulator) -> Iterator[Callable[[list[dict[str, Any]]], None]]:
    """Return what sets faults, and end them after the test."""

    def post(documents: list[dict[str, Any]]) -> None:
        requests.post(f"{emulator.url}/_faults", json=documents, timeout=5).raise_for_status()

    yield post
    requests.delete(f"{emulator.url}/_faults", timeout=5).raise_for_status()


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the emulator ended at once"
    try:
        return requests.get(f"{url}/_ministack/health", timeout=5).ok
    except requests.ConnectionError:
        return False
