"""Freed memory returned to the operating system before it adds up.

Arrow's buffers have an allocator of their own (`stacks/wheels.py`), and everything else is glibc's: request
bodies, and what the Parquet reader keeps. glibc hands back only the top of its heap, so small objects that live on
between large ones keep freed memory resident: https://man7.org/linux/man-pages/man3/malloc_trim.3.html, read
2026-11-30.
"""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa

# Trimming walks the whole heap, so it waits until the process has grown by so much.
GROWTH_BYTES = 16_000_000
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_resident_after_trim_bytes = 0


def trim() -> None:
    """Return glibc's freed memory to the system if the process has grown since the last call that did.

    Does nothing where there is no /proc, as on macOS.
    """
    global _resident_after_trim_bytes  # noqa: PLW0603  one process, one heap
    if _resident_bytes() > _resident_after_trim_bytes + GROWTH_BYTES:
        pa.system_memory_pool().release_unused()
        _resident_after_trim_bytes = _resident_bytes()


def _resident_bytes() -> int:
    """Return the resident set's size, 0 where it is unknown."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
