"""Peak memory of a worker, whatever the file's size and format."""

from __future__ import annotations

from collections.abc import Callable

from bench import servers
from bench.environments import Environment
from bench.figures import Spread, Table, Target, megabytes
from bench.files import FORMATS, Files
from bench.pipelining import STAND_IN, work
from bench.plan import Sizes

IN_FLIGHT = 4  # Meta's own limit in this project
DELAY_S = 0.1
LIMIT_BYTES = 256_000_000
FLAT = 0.10


def memory(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Send files of growing size, each from a new process."""
    peaks: dict[str, list[Spread]] = {one: [] for one in FORMATS}
    with servers.sink(function, DELAY_S) as server:
        secret = STAND_IN | {"endpoint": server.url}
        for rows in sizes.memory_rows:
            for file_format in FORMATS:
                step(f"memory, {rows:,} rows of {file_format}")
                path = str(files.path(rows, file_format, also=FORMATS))
                runs = sizes.runs if rows <= sizes.repeated_rows else 1
                found = [work(function, path, secret, IN_FLIGHT, None)["peak_bytes"] for _ in range(runs)]
                peaks[file_format].append(Spread(tuple(found)))
            if rows != sizes.cpu_rows:
                files.remove(rows)
    highest = max(spread.median for spreads in peaks.values() for spread in spreads)
    growth = max(spreads[-1].median / spreads[-2].median - 1 for spreads in peaks.values())
    return Table(
        "Memory",
        f"VmHWM of a new worker in MB, the function's modules all loaded, {IN_FLIGHT} requests in flight over "
        f"HTTP to a server that answers after {DELAY_S * 1000:.0f} ms and stores nothing.",
        ("rows", *FORMATS),
        [
            [f"{rows:,}", *(spreads[place].text(megabytes) for spreads in peaks.values())]
            for place, rows in enumerate(sizes.memory_rows)
        ],
        targets=(
            Target("at most 256 MB", f"{highest / 1e6:.0f} MB", highest <= LIMIT_BYTES),
            Target(
                f"flat within 10 % between {sizes.memory_rows[-2]:,} and {sizes.memory_rows[-1]:,} rows",
                f"{growth:+.1%}",
                growth <= FLAT,
            ),
        ),
    )
