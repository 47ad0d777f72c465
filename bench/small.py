"""Small drops through the deployed function: the AWS calls and the CPU time of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import requests

from bench import cores, emulated, servers
from bench.environments import Environment
from bench.figures import Spread, Table, Target
from bench.plan import Sizes

ROWS = 50
CALLS, CPU_S = 8, 0.015
# The first drop starts the function; the second is the first of which nothing is made for the first time.
WARM_UP = 2
KINDS = {"audiences": "an audience each", "files": "all of one audience"}
HEADER = "email,phone,first_name,last_name"


def small(sizes: Sizes, function: Environment, step: Callable[[str], None]) -> Table:
    """Send many small files, each in an invocation of its own, one after the other."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for run in range(sizes.small_runs):
        for kind, done in found.items():
            step(f"small drops, {KINDS[kind]}, run {run + 1} of {sizes.small_runs}")
            done.append(_sent(kind, sizes.small_drops, function))
    calls = {kind: [each for one in runs for each in one["calls"]] for kind, runs in found.items()}
    totals = {kind: [sum(one.values()) for one in each] for kind, each in calls.items()}
    cpu = {kind: [s for one in runs for s in one["each_cpu_s"]] for kind, runs in found.items()}
    operations = sorted({name for each in calls.values() for one in each for name in one})
    median_cpu_s = {kind: median(each) for kind, each in cpu.items()}
    return Table(
        f"Small drops: {sizes.small_drops} files of {ROWS} rows",
        f"The deployed function, one invocation for each file, against the sandbox's AWS and the simulated Meta: "
        f"{sizes.small_drops} files with an audience each, which it creates, and as many for one audience; "
        f"{sizes.small_runs} runs. AWS calls of a file by operation, on average; what the function has read within "
        f"the last second for another file is not read again. CPU time of the function's process.",
        ("a file's", *KINDS.values()),
        [
            *([name, *(f"{_share(each, name):.2f}" for each in calls.values())] for name in operations),
            ["AWS calls, on average", *(f"{_mean(each):.2f}" for each in totals.values())],
            ["AWS calls, median", *(f"{median(each):.0f}" for each in totals.values())],
            ["CPU, ms", *(Spread(tuple(each)).text(_milliseconds) for each in cpu.values())],
        ],
        targets=(
            *(
                Target(f"{KINDS[kind]}: at most {CALLS} AWS calls", f"{median(each):.0f}", median(each) <= CALLS)
                for kind, each in totals.items()
            ),
            *(
                Target(
                    f"{KINDS[kind]}: at most {CPU_S * 1000:.0f} ms of CPU", _milliseconds(each_s), each_s <= CPU_S
                )
                for kind, each_s in median_cpu_s.items()
            ),
        ),
    )


def _sent(kind: str, drops: int, function: Environment) -> dict[str, Any]:
    """Send the files of a kind; return what the function's process measured."""
    with servers.simulator(0.0) as meta, TemporaryDirectory(prefix="bench-small-") as folder:
        secret = requests.get(f"{meta.url}/_sim/secret", timeout=10).json()
        with emulated.aws(secret) as aws:
            worker = replace(function, variables={**function.variables, **aws.environment})
            events = Path(folder, "events")
            bodies = [aws.drop(*_drop(kind, number)) for number in range(drops + WARM_UP)]
            events.write_text("\n".join(bodies), encoding="utf-8")
            measured = worker.run("bench.inside.deployed", str(events), str(WARM_UP), cores=cores.one())
            states = aws.states()
    if states != {"applied": drops + WARM_UP}:
        raise AssertionError(json.dumps(states))
    return measured


def _drop(kind: str, number: int) -> tuple[str, bytes, str]:
    """Return a file's audience, its text, and its name."""
    people = (
        f"one{number}-{row}@example.com,+1415{number:04}{row:03},Ada{'abcdefghij'[row % 10]},Lovelace"
        for row in range(ROWS)
    )
    text = "\n".join((HEADER, *people)).encode()
    return f"Audience {number if kind == 'audiences' else ''}".strip(), text, f"{number:06}.csv"


def _share(each: Iterable[Mapping[str, int]], name: str) -> float:
    return _mean([one.get(name, 0) for one in each])


def _mean(values: list[int]) -> float:
    return sum(values) / len(values)


def _milliseconds(value_s: float) -> str:
    return f"{value_s * 1000:.1f}"
