"""What a measured process says of itself."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def metered(work: Callable[[], dict[str, Any]]) -> None:
    """Do the work and print what it gives, with the seconds it took: the process's own, and the clock's."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    found = work()
    took = {"cpu_s": time.process_time() - cpu_s, "wall_s": time.perf_counter() - wall_s}
    print(json.dumps({**took, "peak_bytes": peak_bytes(), **found}))


def peak_bytes() -> int:
    """Return the most memory this process has had resident: Linux's VmHWM, or what stands for it elsewhere."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
