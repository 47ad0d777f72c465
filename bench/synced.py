"""50,000 customers of a PostgreSQL to their last acknowledged request, beside a script that does the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench import servers
from bench.database import database
from bench.environments import Environment
from bench.figures import Spread, Table, Target, seconds, times
from bench.plan import Sizes

DELAY_S = 0.3
WARM, COLD = 0.5, 1.1
WAYS = {"ours": "the functions' code", "script": "the script"}


def synced(sizes: Sizes, function: Environment, step: Callable[[str], None]) -> Table:
    """Send the same selection both ways in turn, each in a process of its own, twice."""
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    rows = sizes.synced_rows
    with database(rows) as place, servers.sink(function, DELAY_S) as sink:
        secret = json.dumps({"access_token": "none", "ad_account_id": "1", "endpoint": sink.url})
        for run in range(sizes.extraction_runs):
            for way, title in WAYS.items():
                step(f"sync, {title}, run {run + 1} of {sizes.extraction_runs}")
                found[way].append(function.run("bench.inside.synced", way, *place, str(rows), secret))
    first, second = (
        {way: Spread(tuple(float(one[name]) for one in runs)) for way, runs in found.items()}
        for name in ("first_s", "second_s")
    )
    cold = first["ours"].median / first["script"].median
    warm = second["ours"].median / second["script"].median
    return Table(
        f"Sync: {rows:,} customers from the database to the platform",
        "A selection through TLS, hashed and sent to a platform that answers after 300 ms, by the functions' code and by"
        " a script: rows as dictionaries, hashed one by one, 10,000 a request, one after another. S3 and the queue are"
        f" left out, and so are a process's start and imports. The script also sends rows whose values cannot be right; {sizes.extraction_runs} runs, in turn.",
        ("", "rows", "first in a process, s", "second, s"),
        [
            [title, f"{found[way][0]['rows']:,}", first[way].text(seconds), second[way].text(seconds)]
            for way, title in WAYS.items()
        ],
        targets=(
            Target(f"second, warm, at most {WARM} of the script's time", times(warm), warm <= WARM),
            Target(f"first in a process at most {COLD} of the script's time", times(cold), cold <= COLD),
        ),
    )
