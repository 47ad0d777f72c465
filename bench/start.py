"""Import time of each handler beyond bare boto3, with and without compiled files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench import cores
from bench.environments import CACHE, ROOT, Environment
from bench.figures import Spread, Table, Target
from bench.handlers import handlers
from bench.plan import Sizes

LIGHT_S, DROPS_S = 0.250, 0.800
BARE = "boto3"
CLOCKS = ("cpu_s", "wall_s")
JUDGED = "compiled cpu_s"


def start(sizes: Sizes, function: Environment, step: Callable[[str], None]) -> Table:
    """Import every handler in new processes."""
    modules = handlers(ROOT)
    took: dict[tuple[str, str], list[float]] = {}
    reads: dict[str, bool] = {}
    with _copies(function) as (compiled, source):
        for module in (BARE, *modules):  # writes the compiled files, and warms the disk cache
            compiled.run("bench.inside.imports", module)
            source.run("bench.inside.imports", module)
        for run in range(sizes.start_runs):
            step(f"start, run {run + 1} of {sizes.start_runs}")
            for kind, environment in (("compiled", compiled), ("source", source)):
                bare = environment.run("bench.inside.imports", BARE, cores=cores.one())
                for module in modules:
                    found = environment.run("bench.inside.imports", module, cores=cores.one())
                    reads[module] = found["reads_drops"]
                    for clock in CLOCKS:
                        took.setdefault((module, f"{kind} {clock}"), []).append(found[clock] - bare[clock])
                for clock in CLOCKS:
                    took.setdefault((BARE, f"{kind} {clock}"), []).append(bare[clock])
    spreads = {key: Spread(tuple(values)) for key, values in took.items()}
    kinds = [f"{kind} {clock}" for kind in ("compiled", "source") for clock in CLOCKS]
    rows = [
        [
            module.removeprefix("lambdas."),
            "yes" if reads.get(module) else "",
            *(spreads[module, kind].text(_milliseconds) for kind in kinds),
        ]
        for module in (BARE, *modules)
    ]
    slowest = {
        arrow: max((spreads[one, JUDGED].median for one in modules if reads[one] is arrow), default=0.0)
        for arrow in (False, True)
    }
    return Table(
        "Start",
        f"Milliseconds to import a handler's module, without boto3's own (in the first line), in a "
        f"new process with the function's layers and nothing else, all files in the disk's cache; median of "
        f"{sizes.start_runs}. `compiled`: Python's compiled files lie beside the source; `source`: they do not.",
        ("module", "Arrow", "compiled, CPU", "compiled, wall", "source, CPU", "source, wall"),
        rows,
        targets=(
            _target("handlers without Arrow under 250 ms", slowest[False], LIGHT_S),
            _target("handlers that read drops under 800 ms", slowest[True], DROPS_S),
        ),
        notes=(
            (
                "The targets are for CPU time with compiled files: an import does not wait for anything, and a busy "
                "machine does not lengthen it."
            ),
        ),
    )


def _target(wanted: str, slowest_s: float, limit_s: float) -> Target:
    return Target(wanted, f"{slowest_s * 1000:.0f} ms", slowest_s < limit_s)


def _milliseconds(value_s: float) -> str:
    return f"{value_s * 1000:.0f}"


@contextmanager
def _copies(function: Environment) -> Iterator[tuple[Environment, Environment]]:
    """Yield the function's environment twice: with compiled files after a first import, and without any."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=CACHE, prefix="start-"))
    try:
        # The last entry of the path is Lambda's runtime, which always has its own compiled files.
        *ours, runtime = function.path
        environments = []
        for kind in ("compiled", "source"):
            path = [_linked(part, folder / kind / str(place)) for place, part in enumerate(ours)]
            variables = {"PYTHONDONTWRITEBYTECODE": "1"} if kind == "source" else {}
            environments.append(replace(function, path=(*path, runtime), variables=variables))
        yield environments[0], environments[1]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _linked(source: Path, copy: Path) -> Path:
    """Copy a folder of modules as links to its files, without compiled ones; of the project, what is deployed."""
    parts = [source / name for name in ("lambdas", "bench")] if source == ROOT else [source]
    for part in parts:
        shutil.copytree(
            part,
            copy / part.name if source == ROOT else copy,
            copy_function=os.symlink,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return copy
