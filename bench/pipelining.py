"""Wall time over the ideal: does sending ever wait for parsing, or parsing for sending?"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import requests

from bench import cores, servers
from bench.environments import Environment
from bench.figures import Spread, Table, Target, seconds, times, whole
from bench.files import Files
from bench.plan import Sizes

IN_FLIGHT = 8
LATENCY_S = 0.5
LEDGER_S = 0.005  # DynamoDB's single-digit milliseconds
ROWS_PER_REQUEST = 10_000


def pipelining(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Send a file to the simulated Meta."""
    path = files.path(sizes.pipelining_rows)
    ideal_s = math.ceil(sizes.pipelining_rows / ROWS_PER_REQUEST / IN_FLIGHT) * LATENCY_S
    found = []
    for run in range(sizes.runs):
        step(f"pipelining, run {run + 1} of {sizes.runs}")
        with servers.simulator(LATENCY_S) as url:
            secret = requests.get(f"{url}/_sim/secret", timeout=10).json()
            found.append(work(function, str(path), secret, IN_FLIGHT, cores.one()))
    walls = Spread(tuple(one["send_s"] for one in found))
    ratio = walls.median / ideal_s
    return Table(
        "Pipelining",
        f"{sizes.pipelining_rows:,} rows in {found[0]['requests']} requests to the simulated Meta, each answered "
        f"{LATENCY_S * 1000:.0f} ms after it was read, {IN_FLIGHT} in flight, one worker on one core, the simulator on "
        f"another; every batch is recorded in a ledger that takes {LEDGER_S * 1000:.0f} ms. {sizes.runs} runs.",
        ("", ""),
        [
            ["ideal: requests / in flight x answer time", f"{ideal_s:.2f} s"],
            ["wall time, first byte read to last answer", f"{walls.text(seconds)} s"],
            ["over the ideal", times(ratio)],
            ["CPU time of the worker", f"{Spread(tuple(one['cpu_s'] for one in found)).text(seconds)} s"],
            ["acknowledged", f"{whole(found[0]['acknowledged'])} rows"],
        ],
        targets=(Target("at most 1.1 times the ideal", times(ratio), ratio <= 1.1),),
    )


def work(
    function: Environment, path: str, secret: dict[str, Any], in_flight: int, on: list[int] | None
) -> dict[str, Any]:
    """Run a worker and check that it sent every row."""
    found = function.run("bench.inside.worker", path, json.dumps(secret), str(in_flight), str(LEDGER_S), cores=on)
    if found["acknowledged"] != found["rows"]:
        raise AssertionError(f"{found['acknowledged']} of {found['rows']} rows were acknowledged")
    return found
