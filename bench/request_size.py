"""What the bound of a request costs and saves: requests, memory and time of full rows, by bound."""

from __future__ import annotations

import json
from collections.abc import Callable

from bench import cores, servers
from bench.environments import Environment
from bench.figures import Spread, Table, megabytes, seconds, whole
from bench.files import Files
from bench.pipelining import LEDGER_S, STAND_IN
from bench.plan import Sizes

BOUNDS = (2_500_000, 3_500_000, 5_000_000, 10_000_000)
IN_FLIGHT = 4
DELAY_S = 0.5


def request_size(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Send the same full rows in requests of each bound."""
    path = str(files.path(sizes.full_rows, kind="uniform"))
    rows = []
    with servers.sink(function, DELAY_S) as server:
        secret = json.dumps(STAND_IN | {"endpoint": server.url})
        for bound in BOUNDS:
            step(f"requests of at most {bound:,} bytes")
            found = [
                function.run(
                    "bench.inside.request_size",
                    path,
                    secret,
                    str(IN_FLIGHT),
                    str(LEDGER_S),
                    str(bound),
                    cores=cores.one(),
                )
                for _ in range(sizes.runs)
            ]
            columns = (("requests", whole), ("cpu_s", seconds), ("send_s", seconds), ("peak_bytes", megabytes))
            rows.append(
                [f"{bound:,}", *(Spread(tuple(one[name] for one in found)).text(as_) for name, as_ in columns)]
            )
    return Table(
        "Bytes of a request",
        f"{sizes.full_rows:,} full rows to Meta, {IN_FLIGHT} requests in flight, each answered after "
        f"{DELAY_S * 1000:.0f} ms. Meta publishes no limit of bytes; 10,000 full rows are about 8 MB.",
        ("bytes of a request, at most", "requests", "CPU, s", "wall, s", "peak, MB"),
        rows,
    )
