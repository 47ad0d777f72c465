"""One file through a connector's deployed function, against the sandbox's AWS and a platform that only answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import cores, emulated, servers
from bench.environments import Environment
from bench.figures import Spread, Table, Target, seconds, times, whole
from bench.files import Files
from bench.pipelining import STAND_IN, work
from bench.plan import Sizes

LATENCY_S = 0.1
BY_THE_FUNCTION = 0  # requests in flight
WANTED = 0.8
WARM_UP = b"email,phone,first_name,last_name\nada@example.com,+14155550100,Ada,Lovelace"


@dataclass(frozen=True)
class Sent:
    """What the invocation took that sent a file, and what it called; `peak_bytes` is its process's."""

    cpu_s: float
    wall_s: float
    write_units: int
    read_units: int
    calls: dict[str, int]
    peak_bytes: int


def sent(path: Path, function: Environment, latency_s: float, on: Sequence[int] | None) -> Sent:
    """Send a file in one invocation of a function that is warm; each request is answered after `latency_s`."""
    with (
        servers.sink(function, latency_s) as sink,
        emulated.aws(STAND_IN | {"endpoint": sink.url}) as aws,
        TemporaryDirectory(prefix="bench-deployed-") as folder,
    ):
        worker = replace(function, variables={**function.variables, **aws.environment})
        events = Path(folder, "events")
        bodies = aws.drop("warm", WARM_UP), aws.drop("Customers", path.read_bytes())
        events.write_text("\n".join(bodies), encoding="utf-8")
        found = worker.run("bench.inside.deployed", str(events), cores=on)
        if (states := aws.states()) != {"applied": 2}:
            raise AssertionError(f"the file was not applied: {states}")
    return Sent(
        cpu_s=found["each_cpu_s"][0],
        wall_s=found["each_wall_s"][0],
        write_units=found["write_units"][0],
        read_units=found["read_units"][0],
        calls=found["calls"][0],
        peak_bytes=found["peak_bytes"],
    )


def beside(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Compare the deployed function's CPU time with that of the bench's worker, which has no AWS around it."""
    path = files.path(sizes.cpu_rows)
    found: list[tuple[Sent, dict[str, Any]]] = []
    for run in range(sizes.runs):
        step(f"the deployed worker, run {run + 1} of {sizes.runs}")
        deployed = sent(path, function, LATENCY_S, cores.one())
        with servers.sink(function, LATENCY_S) as sink:
            secret = STAND_IN | {"endpoint": sink.url}
            found.append((deployed, work(function, str(path), secret, BY_THE_FUNCTION, cores.one())))
    ratios = Spread(tuple(own["cpu_s"] / one.cpu_s for one, own in found))
    deployed_s, own_s = (
        Spread(tuple(each)) for each in zip(*((a.cpu_s, b["cpu_s"]) for a, b in found), strict=True)
    )
    peak = max(one.peak_bytes for one, _ in found) / 1e6
    last = found[-1][0]
    calls = ", ".join(f"{count} {name}" for name, count in sorted(last.calls.items()))
    return Table(
        f"The deployed worker: {sizes.cpu_rows:,} rows",
        f"The same file through the deployed function, warm, in one invocation against the sandbox's AWS, and through "
        f"the bench's worker, whose file is on the disk and whose ledger is a stand-in. The server only answers, "
        f"after {LATENCY_S * 1000:.0f} ms. CPU time of the worker's process; {sizes.runs} runs of each in turn.",
        ("worker", "CPU, s", "rows per CPU-second"),
        [
            ["deployed", deployed_s.text(seconds), whole(sizes.cpu_rows / deployed_s.median)],
            ["the bench's", own_s.text(seconds), whole(sizes.cpu_rows / own_s.median)],
            ["the deployed one's speed, relative to the other", ratios.text(times), ""],
        ],
        targets=(Target(f"at least {WANTED} times the bench's", times(ratios.median), ratios.median >= WANTED),),
        notes=(
            (
                f"AWS calls of the file: {calls}; {last.write_units} write and {last.read_units} read units; "
                f"peak {peak:.0f} MB."
            ),
        ),
    )
