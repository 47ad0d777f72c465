"""The extraction of a selection from PostgreSQL: speed and memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.database import customers_for, database
from bench.environments import Environment
from bench.figures import Spread, Table, Target, megabytes, seconds
from bench.plan import Sizes

LIMIT_BYTES = 256_000_000
WORKS = {"parts": "the function: parts in Parquet", "objects": "all rows as dictionaries"}


def extraction(sizes: Sizes, function: Environment, step: Callable[[str], None]) -> Table:
    """Extract a selection by the function's own code, and read it as a script does; each in a process of its own."""
    found: dict[str, list[dict[str, Any]]] = {work: [] for work in WORKS}
    rows = sizes.extraction_rows
    step(f"a database of {customers_for(rows):,} customers")
    with database(rows) as place:
        for run in range(sizes.extraction_runs):
            for work, title in WORKS.items():
                step(f"extraction, {title}, run {run + 1} of {sizes.extraction_runs}")
                some = rows if work == "parts" else rows // 10
                found[work].append(function.run("bench.inside.extraction", work, *place, str(some)))
    wall, cpu, peak = (
        {work: Spread(tuple(float(one[name]) for one in runs)) for work, runs in found.items()}
        for name in ("wall_s", "cpu_s", "peak_bytes")
    )
    count = {work: int(runs[0]["rows"]) for work, runs in found.items()}
    parts_mb = found["parts"][0]["size_bytes"] / 1e6
    return Table(
        f"Extraction: {count['parts']:,} rows from PostgreSQL",
        f"A selection of five columns and consent over two tables of {customers_for(rows):,} customers, through TLS, on"
        " this machine, whose cores the server and the proxy share: all of it by the function's own code into"
        f" {parts_mb:,.0f} MB of parts, and a tenth of it as a script reads it, into a dictionary for each row. Memory"
        f" as VmHWM, boto3 loaded; {sizes.extraction_runs} runs.",
        ("", "rows", "wall, s", "rows/s", "CPU, s", "peak, MB"),
        [
            [
                title, f"{count[work]:,}", wall[work].text(seconds), f"{count[work] / wall[work].median:,.0f}",
                cpu[work].text(seconds), peak[work].text(megabytes),
            ]
            for work, title in WORKS.items()
        ],
        targets=(
            Target(
                f"all of {rows:,} rows", f"{count['parts']:,}", count["parts"] == rows,
            ),
            Target(
                "at most 256 MB", f"{megabytes(peak['parts'].median)} MB", peak["parts"].median <= LIMIT_BYTES,
            ),
        ),
    )  # fmt: skip
