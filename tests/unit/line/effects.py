"""The effects of a run that a sweep lets a process die at: each of them in `make faults`, a third by default."""

from __future__ import annotations

import os
from collections.abc import Iterator
from zlib import crc32

EVERY = "EVERY_EFFECT"  # the variable with which every effect has its turn
_THIRD = 3


def effects(first: int, end: int, *, step: int = 1) -> Iterator[int]:
    """Yield numbers of effects from `first` on, below `end`, `step` apart, three times as far unless all are due.

    Which of the first three steps it begins with follows from the test's name, so that tests that are much alike
    leave out different ones, and each the same in every run.
    """
    if os.environ.get(EVERY):
        yield from range(first, end, step)
        return
    skipped = crc32(os.environ["PYTEST_CURRENT_TEST"].encode()) % _THIRD
    yield from range(first + skipped * step, end, _THIRD * step)
