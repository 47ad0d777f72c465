"""Measures a process from the inside."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def metered(work: Callable[[], dict[str, Any]]) -> None:
    """Do the work; print what it returns, with its CPU seconds and its wall seconds."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    found = work()
    took = {"cpu_s": time.process_time() - cpu_s, "wall_s": time.perf_counter() - wall_s}
    print(json.dumps({**took, "peak_bytes": peak_bytes(), **found}))


def peak_bytes() -> int:
    """Return this process's peak resident memory: Linux's VmHWM, or its equivalent elsewhere."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
