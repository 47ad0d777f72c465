"""Which cores a measured process and its counterpart run on."""

from __future__ import annotations

import os


def available() -> list[int]:
    """Return the cores this process may use; empty where the system cannot bind processes to cores."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def one() -> list[int] | None:
    """Return the core that everything compared runs on."""
    cores = available()
    return cores[:1] or None


def the_other() -> list[int] | None:
    """Return the cores for what answers the measured process; None where there is but one, or none to choose."""
    cores = available()
    return cores[1:] or None
