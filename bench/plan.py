"""The size of a run of the bench."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of rows, and of repetitions of each measurement.

    Files of more than `repeated_rows` are measured for memory only once: their peaks hardly differ, and each takes
    minutes.
    """

    runs: int = 5
    cpu_rows: int = 1_000_000
    full_rows: int = 500_000
    pipelining_rows: int = 2_000_000
    memory_rows: tuple[int, ...] = (10_000, 1_000_000, 10_000_000)
    memory_full_rows: tuple[int, ...] = (1_000_000, 10_000_000)
    memory_hard_rows: tuple[int, ...] = (1_000_000,)
    repeated_rows: int = 100_000
    hashed_rows: tuple[int, int] = (1_000_000, 3_000_000)
    normalize_rows: int = 5_000_000
    mirror_lines: int = 10_000_000
    mirror_runs: int = 3
    suppressed: int = 1_000_000
    extraction_rows: int = 2_000_000
    extraction_runs: int = 3
    synced_rows: tuple[int, ...] = (50_000, 400_000)
    synced_runs: int = 3
    start_runs: int = 9
    small_drops: int = 200
    small_runs: int = 3


FULL = Sizes()
QUICK = Sizes(
    runs=3,
    cpu_rows=100_000,
    full_rows=50_000,
    pipelining_rows=200_000,
    memory_rows=(10_000, 100_000, 500_000),
    memory_full_rows=(50_000, 200_000),
    memory_hard_rows=(50_000,),
    hashed_rows=(200_000, 800_000),
    normalize_rows=250_000,
    mirror_lines=500_000,
    mirror_runs=1,
    extraction_rows=200_000,
    extraction_runs=1,
    synced_rows=(50_000,),
    synced_runs=1,
    start_runs=3,
    small_drops=30,
    small_runs=1,
)
