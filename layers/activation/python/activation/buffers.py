"""Where Arrow's buffers come from in a connector's process.

A connector's function starts with mimalloc as Arrow's pool (`stacks/wheels.py` has its settings), since Arrow's
C++ readers take their own buffers from the pool of the process's start. A comparison of two snapshots takes 0.6 times
as long with it. An upload does not: there its purges cost up to a quarter of the CPU time, and malloc is as fast.
So what this code allocates comes from malloc, but for the time of a comparison. Measured on 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa


def from_malloc() -> None:
    """Take Arrow's buffers from the process's malloc from now on."""
    pa.set_memory_pool(pa.system_memory_pool())


@contextmanager
def from_mimalloc() -> Iterator[None]:
    """Take Arrow's buffers from mimalloc for a while, where this pyarrow has it: all wheels of PyPI do."""
    before = pa.default_memory_pool()
    if "mimalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.mimalloc_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)
