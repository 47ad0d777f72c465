"""Rows per CPU-second, from a file's bytes to request bodies, compared with Meta's SDK and a loop of hashes."""

from __future__ import annotations

from collections.abc import Callable

from bench import cores
from bench.environments import Environment
from bench.figures import Spread, Table, Target, times, whole
from bench.files import Files
from bench.plan import Sizes

Step = Callable[[str], None]

ROWS = {
    "easy": "easy: e-mail, phone, first and last name",
    "uniform": "full: twelve identifiers, every postal code as likely",
    "skewed": "full, postal codes repeated as in life",
    "hard": "hard: many alphabets, national phones, most of them nobody's",
}
PATHS = {"bodies": "this project", "floor": "floor", "sdk": "Meta's SDK"}
ABOUT = (
    "{easy:,} easy rows and {full:,} of each other kind, file bytes to request bodies, {runs} runs. The floor is "
    "pyarrow.csv, then hashlib.sha256 of each cell; the SDK's path is pandas, format_params, JSON and form encoding. "
    "Each measurement is a process of its own on the same core, in the order A B C, C B A, and so on; CPU time of the "
    "process without its start and imports. A ratio compares two measurements of one run."
)
FLOOR, SDK_EASY, SDK_FULL, HARD = 1.8, 20, 25, 0.5


def bodies(sizes: Sizes, files: Files, function: Environment, sdk: Environment, step: Step) -> Table:
    """Measure the whole path, with each kind of row."""
    paths = {kind: files.path(sizes.cpu_rows if kind == "easy" else sizes.full_rows, kind=kind) for kind in ROWS}
    measured = [(kind, name) for kind in ROWS for name in PATHS]
    rates: dict[tuple[str, str], list[float]] = {one: [] for one in measured}
    for run in range(sizes.runs):
        for kind, name in measured if run % 2 == 0 else measured[::-1]:
            step(f"{kind} rows, {name}, run {run + 1} of {sizes.runs}")
            environment = sdk if name == "sdk" else function
            found = environment.run(f"bench.inside.{name}", str(paths[kind]), cores=cores.one())
            rates[kind, name].append(found["rows"] / found["cpu_s"])
    ratios = {
        (kind, name): _ratio(rates[kind, "bodies"], rates[kind, name])
        for kind, name in measured
        if name != "bodies"
    }
    shown = [
        [
            about,
            *(_rate(rates[kind, name]) for name in PATHS),
            *(ratios[kind, name].text(times) for name in ("floor", "sdk")),
        ]
        for kind, about in ROWS.items()
    ]
    return Table(
        "CPU",
        ABOUT.format(easy=sizes.cpu_rows, full=sizes.full_rows, runs=sizes.runs),
        ("rows per CPU-second", *PATHS.values(), "times the floor", "times the SDK"),
        shown,
        targets=(
            _target("easy rows: at least {} times the floor", ratios["easy", "floor"], FLOOR),
            _target("full rows: at least {} times the floor", ratios["uniform", "floor"], FLOOR),
            _target("full rows, skewed: at least {} times the floor", ratios["skewed", "floor"], FLOOR),
            _target(
                "hard rows: at least {} times the full rows",
                _ratio(rates["hard", "bodies"], rates["uniform", "bodies"]),
                HARD,
            ),
            _target("easy rows: at least {} times the SDK's path", ratios["easy", "sdk"], SDK_EASY),
            _target("full rows: at least {} times the SDK's path", ratios["uniform", "sdk"], SDK_FULL),
        ),
        notes=(
            (
                "The floor normalises nothing, checks nothing and writes no body, and it hashes cell by cell. "
                "This project hashes whole Arrow columns at once with the processor's SHA or vector instructions "
                "(stringzilla), and each distinct name of a chunk only once. The SDK's path normalises a hard row no "
                "further than an easy one: it hashes phones that can be nobody's."
            ),
        ),
    )


def _target(wanted: str, ratio: Spread, least: float) -> Target:
    return Target(wanted.format(least), times(ratio.median), ratio.median >= least)


def stage(sizes: Sizes, files: Files, function: Environment, step: Step) -> Table:
    """Measure the identifiers alone."""
    path = files.path(sizes.cpu_rows)
    rates: dict[str, list[float]] = {"ours": [], "loop": []}
    for run in range(sizes.runs):
        for name in list(rates) if run % 2 == 0 else list(rates)[::-1]:
            step(f"identifiers, {name}, run {run + 1} of {sizes.runs}")
            found = function.run("bench.inside.stage", name, str(path), cores=cores.one())
            rates[name].append(found["rows"] / found["cpu_s"])
    ratio = _ratio(rates["ours"], rates["loop"])
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


def _ratio(ours: list[float], theirs: list[float]) -> Spread:
    return Spread(tuple(mine / other for mine, other in zip(ours, theirs, strict=True)))


def _rate(values: list[float]) -> str:
    return Spread(tuple(values)).text(whole)
