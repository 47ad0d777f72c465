"""How long a module takes to import: `imports.py MODULE`, without the start of the interpreter."""

from __future__ import annotations

import importlib
import json
import sys
import time

if __name__ == "__main__":
    began = time.perf_counter()
    importlib.import_module(sys.argv[1])
    took_s = time.perf_counter() - began
    print(json.dumps({"import_s": took_s, "reads_drops": "pyarrow" in sys.modules}))
