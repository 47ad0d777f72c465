"""What the suppression lists cost the line: CPU time and memory with a million people listed, against none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import cores, servers
from bench.environments import Environment
from bench.figures import Spread, Table, Target, megabytes, seconds
from bench.files import Files
from bench.plan import Sizes

DELAY_S = 0.1
LEDGER_S = "0.005"  # about DynamoDB's latency
IN_FLIGHT = "4"
LIMIT_BYTES = 256_000_000
# Platforms with a request for each kind of identifier: of these the memory is what matters.
SECRETS = {
    "tiktok": {"ACCESS_TOKEN": "none", "ADVERTISER_ID": "1"},
    "snapchat": {"access_token": "none", "ad_account_id": "1"},
}
MOST = 0.10


def suppression(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Send the same file with the list and without, each run in a process of its own, in turn."""
    path, people = str(files.path(sizes.cpu_rows)), sizes.suppressed
    found: dict[str, list[dict[str, Any]]] = {"nobody": [], "listed": []}
    with TemporaryDirectory(prefix="bench-suppression-") as folder, servers.sink(function, DELAY_S) as server:
        stored = str(Path(folder, "listed"))
        size_bytes = function.run("bench.inside.listed", stored, str(people))["bytes"]
        secret = json.dumps({"access_token": "none", "ad_account_id": "1", "endpoint": server.url})
        for run in range(sizes.runs):
            for name in list(found) if run % 2 == 0 else list(found)[::-1]:
                step(f"suppression, {name}, run {run + 1} of {sizes.runs}")
                listed = [stored] if name == "listed" else []
                arguments = (path, secret, IN_FLIGHT, LEDGER_S, "meta", "", *listed)
                one = function.run("bench.inside.worker", *arguments, cores=cores.one())
                if one["acknowledged"] != one["rows"]:
                    raise AssertionError(f"{one['acknowledged']} of {one['rows']} rows were acknowledged")
                found[name].append(one)
        others: dict[tuple[str, str], dict[str, Any]] = {}
        for platform, keys in SECRETS.items():
            account = json.dumps({**keys, "ENDPOINT" if platform == "tiktok" else "endpoint": server.url})
            for name in found:
                step(f"suppression, {platform}, {name}")
                listed = [stored] if name == "listed" else []
                arguments = (path, account, "1", LEDGER_S, platform, "", *listed)
                one = function.run("bench.inside.worker", *arguments, cores=cores.one())
                if one["acknowledged"] != one["rows"]:
                    raise AssertionError(f"{one['acknowledged']} of {one['rows']} rows were acknowledged")
                others[platform, name] = one
    cpu = {name: Spread(tuple(one["cpu_s"] for one in runs)) for name, runs in found.items()}
    peak = {name: Spread(tuple(float(one["peak_bytes"]) for one in runs)) for name, runs in found.items()}
    more = cpu["listed"].median / cpu["nobody"].median - 1
    titles = {"nobody": "nobody listed", "listed": f"{people:,} people listed"}
    return Table(
        f"Suppression: {people:,} people",
        f"{sizes.cpu_rows:,} rows through a worker for Meta, with nobody on a suppression list and with {people:,} "
        f"people of two identifiers each, a set of {size_bytes / 1e6:.0f} MB that is read once; none of them is in the "
        f"file, so that all of it is sent. CPU time of the process without its start and imports, memory as VmHWM; "
        f"{sizes.runs} runs, in turn; TikTok and Snapchat once each.",
        ("", "CPU, s", "peak, MB"),
        [
            *([titles[name], cpu[name].text(seconds), peak[name].text(megabytes)] for name in found),
            *(
                [f"{platform}: {titles[name]}", seconds(one["cpu_s"]), megabytes(one["peak_bytes"])]
                for (platform, name), one in others.items()
            ),
        ],
        targets=(
            Target(f"at most {MOST:.0%} more CPU time", f"{more:+.1%}", more <= MOST),
            Target(
                "at most 256 MB", f"{megabytes(peak['listed'].median)} MB", peak["listed"].median <= LIMIT_BYTES
            ),
            *(
                Target(
                    f"at most 256 MB ({platform})",
                    f"{megabytes(one['peak_bytes'])} MB",
                    one["peak_bytes"] <= LIMIT_BYTES,
                )
                for (platform, name), one in others.items()
                if name == "listed"
            ),
        ),
    )
