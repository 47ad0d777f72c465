"""Rows per CPU-second, from a file's bytes to request bodies, compared with Meta's SDK and a loop of hashes."""

from __future__ import annotations

from collections.abc import Callable

from bench import cores
from bench.environments import Environment
from bench.figures import Spread, Table, Target, times, whole
from bench.files import Files
from bench.plan import Sizes

Step = Callable[[str], None]

ABOUT = (
    "{rows:,} rows with e-mail, phone, first and last name ({size:.0f} MB of CSV), file bytes to request bodies, "
    "{runs} runs. Each measurement is a process of its own on the same core, in the order A B C, C B A, and so on; "
    "CPU time of the process without its start and imports. A ratio compares two measurements that follow each other."
)


def bodies(sizes: Sizes, files: Files, function: Environment, sdk: Environment, step: Step) -> Table:
    """Measure the whole path."""
    path = files.path(sizes.cpu_rows)
    rates: dict[str, list[float]] = {"bodies": [], "floor": [], "sdk": []}
    for run in range(sizes.runs):
        for name in list(rates) if run % 2 == 0 else list(rates)[::-1]:
            step(f"{name}, run {run + 1} of {sizes.runs}")
            environment = sdk if name == "sdk" else function
            found = environment.run(f"bench.inside.{name}", str(path), cores=cores.one())
            rates[name].append(found["rows"] / found["cpu_s"])
    against_sdk, against_floor = _ratio(rates, "bodies", "sdk"), _ratio(rates, "bodies", "floor")
    rows = [
        ["this project", _rate(rates["bodies"]), "1"],
        ["floor: pyarrow.csv, then hashlib.sha256 of each cell", _rate(rates["floor"]), against_floor.text(times)],
        ["Meta's SDK: pandas, format_params, JSON, form encoding", _rate(rates["sdk"]), against_sdk.text(times)],
    ]
    return Table(
        "CPU",
        ABOUT.format(rows=sizes.cpu_rows, size=path.stat().st_size / 1e6, runs=sizes.runs),
        ("path", "rows per CPU-second", "this project's speed, relative to it"),
        rows,
        targets=(
            Target("at least 12 times the SDK's path", f"{against_sdk.median:.1f}", against_sdk.median >= 12),
            Target("at least 1.0 times the floor", f"{against_floor.median:.2f}", against_floor.median >= 1),
        ),
        notes=(
            (
                "The floor normalises nothing, checks nothing and writes no body, and it hashes cell by cell. "
                "This project hashes whole Arrow columns at once with the processor's SHA or vector instructions "
                "(stringzilla), and each distinct name of a chunk only once."
            ),
        ),
    )


def stage(sizes: Sizes, files: Files, function: Environment, step: Step) -> Table:
    """Measure the identifiers alone."""
    path = files.path(sizes.cpu_rows)
    rates: dict[str, list[float]] = {"ours": [], "loop": []}
    for run in range(sizes.runs):
        for name in list(rates) if run % 2 == 0 else list(rates)[::-1]:
            step(f"identifiers, {name}, run {run + 1} of {sizes.runs}")
            found = function.run("bench.inside.stage", name, str(path), cores=cores.one())
            rates[name].append(found["rows"] / found["cpu_s"])
    ratio = _ratio(rates, "ours", "loop")
    return Table(
        "Identifiers alone",
        f"The same {sizes.cpu_rows:,} rows, already in memory as columns: normalised, checked and hashed to "
        "hexadecimal texts, against a loop that hashes the same cells unchanged.",
        ("path", "rows per CPU-second", "this project's speed, relative to it"),
        [
            ["this project", _rate(rates["ours"]), "1"],
            ["hashlib.sha256 of each cell", _rate(rates["loop"]), ratio.text(times)],
        ],
        targets=(Target("faster than the loop", f"{ratio.median:.2f}", ratio.median > 1),),
    )


def _ratio(rates: dict[str, list[float]], ours: str, theirs: str) -> Spread:
    return Spread(tuple(mine / other for mine, other in zip(rates[ours], rates[theirs], strict=True)))


def _rate(values: list[float]) -> str:
    return Spread(tuple(values)).text(whole)
