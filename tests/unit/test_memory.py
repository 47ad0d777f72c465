"""Freed memory goes back to the operating system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Blocks below glibc's threshold for mappings of their own, each before a small object that lives on.
PROGRAM = """
from activation import memory
large, small = [], []
for _ in range(3000):
    large.append(b"x" * 50_000)
    small.append(b"x" * 600)
del large
before = memory._resident_bytes()
memory.trim()
print(before - memory._resident_bytes())
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc")
def test_freed_memory_between_small_objects_is_returned() -> None:
    """A process that freed 150 MB between objects it keeps has most of them no longer resident after a trim."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 75_000_000
