"""What landing a gigabyte from CI360 costs its function: CPU seconds of the whole process, and memory.

`python -m bench.landing [MEBIBYTES [RUNS]]` generates a file, and lands it RUNS times, each in a process of its
own on one core, as Lambda gives the function one. Both far ends speak TLS, as on AWS; they run on the other cores.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench import cores, environments, servers

MIB = 1024 * 1024
ROWS = 200_000  # bytes of the file generated at a time


def write_rows(path: Path, size_bytes: int) -> int:
    """Write a file of five columns and about that size; return its number of rows."""
    rows = written = 0
    with path.open("wb") as file:
        while written < size_bytes:
            lines = (b"00000000-member-%09d,M,40-45,%d,IL\n" % (row, row) for row in range(rows, rows + ROWS))
            written += file.write(b"".join(lines))
            rows += ROWS
    return rows


def main(mebibytes: int = 512, runs: int = 5) -> None:
    """Measure and print."""
    function = environments.function(("activation", "vendor"))
    environments.CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=environments.CACHE) as name:
        folder = Path(name)
        file = folder / "data.csv"
        rows = write_rows(file, mebibytes * MIB)
        gigabytes = file.stat().st_size / 1e9
        costs = []
        with servers.far_end(file, folder) as server:
            for run in range(runs):
                found = function.run(
                    "bench.inside.landing", server.url, str(folder / "authority.pem"), cores=cores.one()
                )
                if found["rows"] != rows:
                    raise RuntimeError(f"{found['rows']:,} of {rows:,} rows landed, so the figure means nothing")
                costs.append(found["cpu_s"] / gigabytes)
                print(
                    f"run {run + 1}: {costs[-1]:.2f} CPU seconds a GB, {gigabytes * 1e3 / found['wall_s']:.0f} MB/s,"
                    f" {found['parts']} parts, {found['saves']} records, peak {found['peak_bytes'] / MIB:.0f} MiB",
                    flush=True,
                )
        print(
            f"{gigabytes:.2f} GB, {rows:,} rows, {os.cpu_count()} cores: median {median(costs):.2f} CPU seconds a GB"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
