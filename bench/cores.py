"""The cores on which a measured process and its counterpart run."""

from __future__ import annotations

import os


def available() -> list[int]:
    """Return the cores this process may use; empty if the system cannot bind processes to cores."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def one() -> list[int] | None:
    """Return the core on which all compared processes run."""
    cores = available()
    return cores[:1] or None


def the_other() -> list[int] | None:
    """Return the cores for the measured process's counterpart; None if there is only one, or none to choose."""
    cores = available()
    return cores[1:] or None
