"""Customers of a PostgreSQL to their last acknowledged request, by the deployed app and by a script."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

from bench.deployed import ACTIONS, Deployed, deployed
from bench.environments import Environment
from bench.figures import Spread, Table, Target, seconds, times
from bench.plan import Sizes

DELAY_S = 0.3
WARM, COLD, MOST_S = 0.5, 1.1, 10.0
OURS, SCRIPT = "the app", "the script"
Times = dict[tuple[str, str], list[tuple[float, int]]]


def synced(sizes: Sizes, function: Environment, step: Callable[[str], None]) -> Iterator[Table]:
    """Fill one audience both ways in turn, in new processes and in the same ones again."""
    for rows, action in ((rows, action) for rows in sizes.synced_rows for action in ACTIONS):
        step(f"sync, {rows:,} people, {action}: a database, and the app in a sandbox")
        with deployed(action, DELAY_S) as app:
            app.prepare(rows)
            found: Times = {}
            for run in range(sizes.synced_runs):
                step(f"sync, {rows:,} people, {action}, run {run + 1} of {sizes.synced_runs}")
                for name, one in (*_ours(app).items(), *_script(app, function).items()):
                    found.setdefault(name, []).append(one)
        yield _table(rows, action, found, sizes)


def _ours(app: Deployed) -> dict[tuple[str, str], tuple[float, int]]:
    app.cool()
    return {(OURS, "cold"): app.fill(1), (OURS, "warm"): app.fill(0)}


def _script(app: Deployed, function: Environment) -> dict[tuple[str, str], tuple[float, int]]:
    """Run the script over both halves: it is cold from its start, imports included, and warm from the second on."""
    proxy, began = app.group.proxy, time.time()
    place = ("localhost", str(proxy.port), str(proxy.ca_file), json.dumps(app.secret), app.audience_id)
    _, second = function.run("bench.inside.synced", *place, app.tenants(1), app.tenants(0))["lists"]
    cold_ended, cold_rows = app.uploaded(began, second["began"])
    warm_ended, warm_rows = app.uploaded(second["began"])
    return {
        (SCRIPT, "cold"): (cold_ended - began, cold_rows),
        (SCRIPT, "warm"): (warm_ended - second["began"], warm_rows),
    }


def _table(rows: int, action: str, found: Times, sizes: Sizes) -> Table:
    took = {name: Spread(tuple(one for one, _ in runs)) for name, runs in found.items()}
    cold, warm = (took[OURS, how].median / took[SCRIPT, how].median for how in ("cold", "warm"))
    ratios = (
        Target(f"warm, at most {WARM} of the script's time", times(warm), warm <= WARM),
        Target(f"cold, at most {COLD} of the script's time", times(cold), cold <= COLD),
    )
    slowest = took[OURS, "cold"].median
    within = Target(f"cold in at most {MOST_S:.0f} s", f"{seconds(slowest)} s", slowest <= MOST_S)
    return Table(
        f"Sync: about {rows:,} customers from the database to the platform, action {action}",
        f"""\
A row of a table of configurations becomes due and selects other people than before: from the tick to the answer of the
last upload, by the deployed app in the sandbox (claim, extraction into S3, manifest, event, queue, worker), and by a
script: rows as dictionaries, hashed one by one, 10,000 a request, one after another, added to an audience that is there.
The platform answers every call after {DELAY_S * 1000:.0f} ms. Cold: in new processes, imports included.
{sizes.synced_runs} runs, in turn. Emulator, simulator, database and all processes share this machine's cores.""",
        ("", "rows", "cold, s", "warm, s"),
        [
            [
                name,
                f"{found[name, 'warm'][0][1]:,}",
                took[name, "cold"].text(seconds),
                took[name, "warm"].text(seconds),
            ]
            for name in (OURS, SCRIPT)
        ],
        targets=ratios if rows == sizes.synced_rows[0] else (within,),
        notes=(f"Of the script's time: cold {times(cold)}, warm {times(warm)}.",),
    )
