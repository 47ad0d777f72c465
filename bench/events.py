"""Rows per CPU-second of events, from a file's bytes to request bodies, compared with people of the same file."""

from __future__ import annotations

from collections.abc import Callable

from bench import cores
from bench.environments import Environment
from bench.figures import Spread, Table, Target, megabytes, times, whole
from bench.files import Files
from bench.plan import Sizes

LIMIT_BYTES = 256_000_000
SHARE = 0.5


def events(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Measure events, and the people of the same rows as an audience."""
    people = files.path(sizes.cpu_rows)
    sales = people.with_name(f"sales-{sizes.cpu_rows}.csv")
    function.run("bench.inside.sales", str(people), str(sales))
    measured = {"events": ("bench.inside.events", sales), "same": ("bench.inside.bodies", sales)}
    measured |= {"people": ("bench.inside.bodies", people)}
    rates: dict[str, list[float]] = {name: [] for name in measured}
    peaks = []
    for run in range(sizes.runs):
        for name in list(rates) if run % 2 == 0 else list(rates)[::-1]:
            step(f"{name}, run {run + 1} of {sizes.runs}")
            module, path = measured[name]
            found = function.run(module, str(path), cores=cores.one())
            rates[name].append(found["rows"] / found["cpu_s"])
            if name == "events":
                peaks.append(float(found["peak_bytes"]))
    sales.unlink()
    spreads = {name: Spread(tuple(values)) for name, values in rates.items()}
    shares = {
        name: Spread(tuple(one / other for one, other in zip(rates["events"], rates[name], strict=True)))
        for name in ("same", "people")
    }
    peak = Spread(tuple(peaks))
    return Table(
        "Events",
        f"{sizes.cpu_rows:,} sales: the people of the table above, and name, time, place, order, value and currency "
        f"of each sale. The file is read once for ids that come twice, then for the bodies, of 1,000 events each. "
        f"CPU time and VmHWM of the process; {sizes.runs} runs.",
        ("path", "rows per CPU-second", "speed of events, relative to it"),
        [
            ["events", spreads["events"].text(whole), "1"],
            ["the same file as an audience", spreads["same"].text(whole), shares["same"].text(times)],
            ["its people alone as an audience", spreads["people"].text(whole), shares["people"].text(times)],
        ],
        targets=(
            Target(
                f"at least {SHARE} times the same file as an audience",
                times(shares["same"].median),
                shares["same"].median >= SHARE,
            ),
            Target("at most 256 MB", f"{megabytes(peak.median)} MB", peak.median <= LIMIT_BYTES),
        ),
    )
