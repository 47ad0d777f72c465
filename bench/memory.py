"""Peak memory of a worker, whatever the file's size and format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
NAMES = {"easy": "easy", "uniform": "full", "hard": "hard"}  # of the kinds of bench/inside/rows.py


def memory(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Send files of growing size and of each kind of row, each from a new process."""
    of_kinds = {"easy": sizes.memory_rows, "uniform": sizes.memory_full_rows, "hard": sizes.memory_hard_rows}
    peaks: dict[tuple[str, int], dict[str, Spread]] = {}
    with servers.sink(function, DELAY_S) as server:
        secret = STAND_IN | {"endpoint": server.url}
        for kind, rows in ((kind, rows) for kind, each in of_kinds.items() for rows in each):
            runs = sizes.runs if rows <= sizes.repeated_rows else 1
            for file_format in FORMATS:
                step(f"memory, {rows:,} {NAMES[kind]} rows of {file_format}")
                path = str(files.path(rows, file_format, kind=kind, also=FORMATS))
                found = [work(function, path, secret, IN_FLIGHT, None)["peak_bytes"] for _ in range(runs)]
                peaks.setdefault((kind, rows), {})[file_format] = Spread(tuple(found))
            if (kind, rows) != ("easy", sizes.cpu_rows):
                files.remove(kind, rows)
    highest = max(spread.median for spreads in peaks.values() for spread in spreads.values())
    return Table(
        "Memory",
        f"VmHWM of a new worker in MB, the function's modules all loaded, {IN_FLIGHT} requests in flight over "
        f"HTTP to a server that answers after {DELAY_S * 1000:.0f} ms and stores nothing. Easy rows have four "
        "identifiers, full and hard ones twelve.",
        ("rows", "kind", *FORMATS),
        [
            [f"{rows:,}", NAMES[kind], *(spreads[one].text(megabytes) for one in FORMATS)]
            for (kind, rows), spreads in peaks.items()
        ],
        targets=(
            Target("at most 256 MB", f"{highest / 1e6:.0f} MB", highest <= LIMIT_BYTES),
            *(_flat(peaks, kind, each[-2], each[-1]) for kind, each in of_kinds.items() if len(each) > 1),
        ),
    )


def _flat(peaks: Mapping[tuple[str, int], Mapping[str, Spread]], kind: str, fewer: int, more: int) -> Target:
    before, after = peaks[kind, fewer], peaks[kind, more]
    growth = max(after[one].median / before[one].median - 1 for one in FORMATS)
    wanted = f"{NAMES[kind]} rows: flat within 10 % between {fewer:,} and {more:,}"
    return Target(wanted, f"{growth:+.1%}", growth <= FLAT)
