"""A mirror's difference: speed against the reading of both files, and memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import cores
from bench.environments import Environment
from bench.figures import Spread, Table, Target, megabytes, seconds, times
from bench.plan import Sizes

LIMIT_BYTES = 256_000_000
TIMES_FLOOR = 1.5
SAME_SHARE = 0.1
WORKS = {"floor": "all cells of both files read", "compare": "compared", "same": "compared, nothing changed"}


def mirror(sizes: Sizes, function: Environment, step: Callable[[str], None]) -> Table:
    """Compare two lists; each measurement is a process of its own."""
    with TemporaryDirectory(prefix="bench-mirror-") as folder:
        step(f"two lists of {sizes.mirror_lines:,} people")
        function.run("bench.inside.mirror", "make", folder, str(sizes.mirror_lines))
        size_bytes = sum(path.stat().st_size for path in Path(folder).glob("*/*"))
        found: dict[str, list[dict[str, Any]]] = {work: [] for work in WORKS}
        for run in range(sizes.mirror_runs):
            for work, title in WORKS.items():
                step(f"mirror, {title}, run {run + 1} of {sizes.mirror_runs}")
                found[work].append(function.run("bench.inside.mirror", work, folder, cores=cores.one()))
    cpu, wall, peak = (
        {work: Spread(tuple(float(one[name]) for one in runs)) for work, runs in found.items()}
        for name in ("cpu_s", "wall_s", "peak_bytes")
    )
    ratio = cpu["compare"].median / cpu["floor"].median
    counts = found["compare"][0]
    return Table(
        f"Mirror: the difference of {sizes.mirror_lines:,} people",
        "Two lists of people with eight identifiers, of whom 1 % are others, 0.5 % have a new phone, and all stand in "
        f"another order; together {size_bytes / 1e6:,.0f} MB as kept. The difference is the function's: keys compared, "
        "identifiers that somebody wanted has looked up, removes and adds written to local files; its modules are all "
        f"loaded. CPU time of the process without its start and imports, memory as VmHWM; {sizes.mirror_runs} runs. "
        f"Found: {counts['joined']:,} joined, {counts['changed']:,} changed, {counts['left']:,} left.",
        ("", "CPU, s", "wall, s", "peak, MB"),
        [
            [title, cpu[work].text(seconds), wall[work].text(seconds), peak[work].text(megabytes)]
            for work, title in WORKS.items()
        ],
        targets=(
            Target(
                f"at most {TIMES_FLOOR} times the CPU time of reading both files",
                times(ratio),
                ratio <= TIMES_FLOOR,
            ),
            Target(
                "at most 256 MB",
                f"{megabytes(peak['compare'].median)} MB",
                peak["compare"].median <= LIMIT_BYTES,
            ),
            Target(
                "nothing changed: at most a tenth of reading both files",
                f"{cpu['same'].median / cpu['floor'].median:.4f}",
                cpu["same"].median <= SAME_SHARE * cpu["floor"].median,
            ),
        ),
    )
