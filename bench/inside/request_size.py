"""A worker whose requests have another bound: `request_size.py FILE SECRET IN_FLIGHT LEDGER_S MAX_BYTES`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from activation.buffers import from_malloc

from bench.inside.meter import metered
from bench.inside.worker import loaded, work

if __name__ == "__main__":
    from_malloc()
    path, secret, in_flight, ledger_s, max_bytes = sys.argv[1:]
    meta = loaded("meta")
    one = replace(meta, limits=replace(meta.limits, max_bytes=int(max_bytes)))
    metered(lambda: work(Path(path), one, secret, in_flight=int(in_flight), ledger_s=float(ledger_s)))
