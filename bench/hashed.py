"""TikTok's path: a list of hashes is scanned, read, deduplicated and uploaded in files of 50 MB."""

from __future__ import annotations

import json
from collections.abc import Callable

from bench import cores, servers
from bench.environments import Environment
from bench.figures import Spread, Table, Target, megabytes, seconds, whole
from bench.files import Files
from bench.plan import Sizes

DELAY_S = 0.1
LEDGER_S = 0.005  # about DynamoDB's latency
WANTED_RATE = 1_000_000
LIMIT_BYTES = 256_000_000
IDENTIFIERS = "EMAIL_SHA256"


def hashed(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Send a file of hashes to a server that answers as TikTok does and stores nothing."""
    path = str(files.hashes(sizes.hashed_rows))
    rates, peaks, walls, uploads, size_bytes = [], [], [], 0, 0
    with servers.sink(function, DELAY_S) as server:
        secret = json.dumps({"ACCESS_TOKEN": "none", "ADVERTISER_ID": "1", "ENDPOINT": server.url})
        for run in range(sizes.runs):
            step(f"TikTok, run {run + 1} of {sizes.runs}")
            arguments = (path, secret, "1", str(LEDGER_S), "tiktok", IDENTIFIERS)
            found = function.run("bench.inside.worker", *arguments, cores=cores.one())
            if found["acknowledged"] != sizes.hashed_rows:
                raise AssertionError(f"{found['acknowledged']} of {sizes.hashed_rows} rows were acknowledged")
            rates.append(found["rows"] / found["cpu_s"])
            peaks.append(float(found["peak_bytes"]))
            walls.append(found["wall_s"])
            uploads, size_bytes = found["requests"], found["body_bytes"]
    files.remove_hashes()
    rate, peak = Spread(tuple(rates)), Spread(tuple(peaks))
    return Table(
        f"TikTok: {sizes.hashed_rows:,} hashed lines",
        f"A list of {IDENTIFIERS} through a new worker: scanned for plaintext values, then read, checked, "
        f"deduplicated and uploaded with its MD5 in {uploads} files ({size_bytes / 1e6:.0f} MB) to a server that "
        f"answers after {DELAY_S * 1000:.0f} ms and stores nothing. CPU time of the process without its start and "
        f"imports, memory as VmHWM; {sizes.runs} runs.",
        ("", "lines per CPU-second", "peak, MB", "wall, s"),
        [["this project", rate.text(whole), peak.text(megabytes), Spread(tuple(walls)).text(seconds)]],
        targets=(
            Target("at least 1,000,000 lines per CPU-second", whole(rate.median), rate.median >= WANTED_RATE),
            Target("at most 256 MB", f"{megabytes(peak.median)} MB", peak.median <= LIMIT_BYTES),
        ),
    )
