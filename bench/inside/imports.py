"""Measure how long a module takes to import, without the interpreter's start: `imports.py MODULE`."""

from __future__ import annotations

import importlib
import json
import sys
import time

if __name__ == "__main__":
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    importlib.import_module(sys.argv[1])
    took = {"wall_s": time.perf_counter() - wall_s, "cpu_s": time.process_time() - cpu_s}
    print(json.dumps({**took, "reads_drops": "pyarrow" in sys.modules}))
