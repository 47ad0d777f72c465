"""Customers of a PostgreSQL to their last acknowledged request, by the deployed app and by a script."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

from bench.deployed import ACTIONS, Deployed, Filled, deployed
from bench.environments import Environment
from bench.figures import Spread, Table, Target, seconds, times
from bench.plan import Sizes

DELAY_S = 0.3
WARM, COLD, MOST_S = 0.5, 1.1, 10.0
OURS, SCRIPT = "the app", "the script"
TICKED = "after a tick"  # which came every five minutes, and keeps the sync's function warm but no connector's
Times = dict[tuple[str, str], list[Filled]]


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


def _ours(app: Deployed) -> dict[tuple[str, str], Filled]:
    """Fill the audience in new processes, in the same ones again, and after a tick that found nothing.

    The halves take turns, so that every one of them replaces the other.
    """
    app.cool()
    cold, warm = app.fill(1), app.fill(0)
    app.cool()
    app.group.tick()
    found = {(OURS, "cold"): cold, (OURS, "warm"): warm, (OURS, TICKED): app.fill(1)}
    app.fill(0)
    return found


def _script(app: Deployed, function: Environment) -> dict[tuple[str, str], Filled]:
    """Run the script over both halves: it is cold from its start, imports included, and warm from the second on."""
    proxy, began = app.group.proxy, time.time()
    place = ("localhost", str(proxy.port), str(proxy.ca_file), json.dumps(app.secret), app.audience_id)
    _, second = function.run("bench.inside.synced", *place, app.tenants(1), app.tenants(0))["lists"]
    cold_ended, cold_rows = app.uploaded(began, second["began"])
    warm_ended, warm_rows = app.uploaded(second["began"])
    cold_s, warm_s = cold_ended - began, warm_ended - second["began"]
    return {
        (SCRIPT, "cold"): Filled(cold_s, cold_s, cold_rows),
        (SCRIPT, "warm"): Filled(warm_s, warm_s, warm_rows),
    }


def _table(rows: int, action: str, found: Times, sizes: Sizes) -> Table:
    took = {name: Spread(tuple(one.from_tick_s for one in runs)) for name, runs in found.items()}
    claimed = {name: Spread(tuple(one.from_claim_s for one in runs)) for name, runs in found.items()}
    cold, warm = _ratios(took)
    of_claim = ", ".join(map(times, _ratios(claimed)))
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
script, which has no tick and no claim: rows as dictionaries, hashed one by one, 10,000 a request, one after another, added to an audience that is there.
The platform answers every call after {DELAY_S * 1000:.0f} ms. Cold: in new processes, imports included.
{sizes.synced_runs} runs, in turn. Emulator, simulator, database and all processes share this machine's cores.""",
        ("", "rows", "cold, s", "warm, s", "cold from the claim, s", "warm from the claim, s"),
        [
            [
                name,
                f"{found[name, 'warm'][0].rows:,}",
                *(spreads[name, how].text(seconds) for spreads in (took, claimed) for how in ("cold", "warm")),
            ]
            for name in (OURS, SCRIPT)
        ],
        targets=ratios if rows == sizes.synced_rows[0] else (within,),
        notes=(
            f"Of the script's time: cold {times(cold)}, warm {times(warm)}; from the claim of the slot {of_claim}.",
            (
                "A tick comes every five minutes, so that the sync's own function is seldom cold. Where it alone is warm:"
                f" {took[OURS, TICKED].text(seconds)} s, {times(_after_tick(took))} of the script's cold time."
            ),
        ),
    )


def _after_tick(took: dict[tuple[str, str], Spread]) -> float:
    """Return the app's time where the sync's function is warm, by the script's in a new process."""
    return took[OURS, TICKED].median / took[SCRIPT, "cold"].median


def _ratios(took: dict[tuple[str, str], Spread]) -> tuple[float, float]:
    """Return the app's time by the script's, cold and warm."""
    cold, warm = (took[OURS, how].median / took[SCRIPT, how].median for how in ("cold", "warm"))
    return cold, warm
