"""Wall time relative to the ideal, which shows whether sending waits for parsing, or parsing for sending."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import requests

from bench import cores, servers
from bench.environments import Environment
from bench.figures import Spread, Table, Target, seconds, times
from bench.files import Files
from bench.plan import Sizes

IN_FLIGHT = 8
LATENCY_S = 0.5
LEDGER_S = 0.005  # about DynamoDB's latency
ROWS_PER_REQUEST = 10_000
STAND_IN = {"access_token": "none", "ad_account_id": "1"}
NAMES = {"sink": "a server that only answers", "simulator": "the simulated Meta"}


def pipelining(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Send a file to a server that only answers, and to the simulated Meta, which checks and stores everything."""
    path = str(files.path(sizes.pipelining_rows))
    requests_wanted = math.ceil(sizes.pipelining_rows / ROWS_PER_REQUEST)
    ideal_s = requests_wanted / IN_FLIGHT * LATENCY_S
    found: dict[str, list[dict[str, Any]]] = {"sink": [], "simulator": []}
    for run in range(sizes.runs):
        for name, done in found.items():
            step(f"pipelining against the {name}, run {run + 1} of {sizes.runs}")
            with servers.sink(function, LATENCY_S) if name == "sink" else servers.simulator(LATENCY_S) as server:
                secret = STAND_IN | {"endpoint": server.url}
                if name == "simulator":
                    secret = requests.get(f"{server.url}/_sim/secret", timeout=10).json()
                one = work(function, path, secret, IN_FLIGHT, cores.one())
                done.append({**one, "server_cpu_s": server.cpu_s() or math.nan})
    ratios = {name: Spread(tuple(one["send_s"] / ideal_s for one in runs)) for name, runs in found.items()}
    columns = ("send_s", "cpu_s", "server_cpu_s")
    return Table(
        "Pipelining",
        f"{sizes.pipelining_rows:,} rows in {found['sink'][0]['requests']} requests, each answered "
        f"{LATENCY_S * 1000:.0f} ms after it was read, {IN_FLIGHT} in flight: ideally {ideal_s:.2f} s. One worker on "
        f"one core, the server on another; every batch is recorded in a ledger that takes {LEDGER_S * 1000:.0f} ms. "
        f"Wall time is from the first byte read to the last answer; {sizes.runs} runs.",
        ("server", "wall, s", "over the ideal", "CPU of the worker, s", "CPU of the server, s"),
        [
            [
                NAMES[name],
                *(
                    text
                    for place, column in enumerate(columns)
                    for text in (
                        Spread(tuple(one[column] for one in runs)).text(seconds),
                        *([ratios[name].text(times)] if place == 0 else []),
                    )
                ),
            ]
            for name, runs in found.items()
        ],
        targets=(
            Target("at most 1.1 times the ideal", times(ratios["sink"].median), ratios["sink"].median <= 1.1),
        ),
        notes=(
            (
                "The target is held against the server that only answers: the simulated Meta parses, checks and stores "
                "all members in one thread, while seven other answers wait. Its CPU seconds show how close it is to being "
                "the bottleneck."
            ),
        ),
    )


def work(
    function: Environment, path: str, secret: dict[str, Any], in_flight: int, on: list[int] | None
) -> dict[str, Any]:
    """Run a worker and check that it sent every row."""
    found = function.run("bench.inside.worker", path, json.dumps(secret), str(in_flight), str(LEDGER_S), cores=on)
    if found["acknowledged"] != found["rows"]:
        raise AssertionError(f"{found['acknowledged']} of {found['rows']} rows were acknowledged")
    return found
