"""TikTok's path: a list of hashes is scanned, read, deduplicated and uploaded, beside a plain upload of its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench import cores, servers
from bench.environments import Environment
from bench.figures import Spread, Table, Target, megabytes, seconds, times, whole
from bench.files import Files
from bench.plan import Sizes

DELAY_S = 0.1
LEDGER_S = "0.005"  # about DynamoDB's latency
AS_DEPLOYED = "0"  # requests in flight: what a function chooses
WANTED_RATE = 1_000_000
LIMIT_BYTES = 256_000_000
FLAT = 0.10
IDENTIFIERS = "EMAIL_SHA256"
PATHS = {"worker": "this project", "plain": "a plain upload"}


def hashed(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Send files of hashes to a server that answers as TikTok does and stores nothing, each in both ways, in turn."""
    found: dict[tuple[int, str], list[dict[str, Any]]] = {}
    with servers.sink(function, DELAY_S) as server:
        secret = json.dumps({"ACCESS_TOKEN": "none", "ADVERTISER_ID": "1", "ENDPOINT": server.url})
        for rows in sizes.hashed_rows:
            path = str(files.hashes(rows))
            for run in range(sizes.runs):
                for name in list(PATHS) if run % 2 == 0 else list(PATHS)[::-1]:
                    step(f"TikTok, {rows:,} lines, {PATHS[name]}, run {run + 1} of {sizes.runs}")
                    one = _sent(function, name, path, secret)
                    if one.get("acknowledged", rows) != rows:
                        raise AssertionError(f"{one['acknowledged']} of {rows} rows were acknowledged")
                    found.setdefault((rows, name), []).append(one)
    fewest, most = sizes.hashed_rows
    lines = Spread(tuple(most / one["cpu_s"] for one in found[most, "worker"]))
    peaks = {rows: Spread(tuple(one["peak_bytes"] for one in found[rows, "worker"])) for rows in sizes.hashed_rows}
    growth = peaks[most].median / peaks[fewest].median - 1
    last = found[most, "worker"][0]
    ratios = {rows: _faster(found, rows, "cpu_s") for rows in sizes.hashed_rows}
    return Table(
        f"TikTok: {fewest:,} and {most:,} hashed lines",
        f"A list of {IDENTIFIERS} through a new worker: scanned for plaintext values, then read, checked, "
        f"deduplicated and uploaded with its MD5, {most:,} lines in {last['requests']} files "
        f"({last['body_bytes'] / 1e6:.0f} MB), to a server that answers after {DELAY_S * 1000:.0f} ms and stores "
        "nothing. The plain upload reads the file whole and posts it with its MD5, as AWS's sample does, and "
        "checks nothing. CPU time of the process without its start and imports, memory as VmHWM; "
        f"{sizes.runs} runs, in turn.",
        ("lines", "path", "CPU, s", "wall, s", "times as fast: by CPU", "by wall", "peak, MB"),
        [_row(found, rows, name) for rows in sizes.hashed_rows for name in PATHS],
        targets=(
            *(
                Target(
                    f"{rows:,} lines: at least 1.0 times as fast as a plain upload, by CPU",
                    times(ratio.median),
                    ratio.median >= 1.0,
                )
                for rows, ratio in ratios.items()
            ),
            Target("at least 1,000,000 lines per CPU-second", whole(lines.median), lines.median >= WANTED_RATE),
            Target("at most 256 MB", f"{megabytes(peaks[most].median)} MB", peaks[most].median <= LIMIT_BYTES),
            Target(f"flat within 10 % between {fewest:,} and {most:,} lines", f"{growth:+.1%}", growth <= FLAT),
        ),
    )


def _sent(function: Environment, name: str, path: str, secret: str) -> dict[str, Any]:
    if name == "plain":
        return function.run("bench.inside.plain_upload", path, secret, cores=cores.one())
    arguments = (path, secret, AS_DEPLOYED, LEDGER_S, "tiktok", IDENTIFIERS)
    return function.run("bench.inside.worker", *arguments, cores=cores.one())


def _faster(found: dict[tuple[int, str], list[dict[str, Any]]], rows: int, key: str) -> Spread:
    """Return how many times as fast as the plain upload before or after it each run was."""
    pairs = zip(found[rows, "worker"], found[rows, "plain"], strict=True)
    return Spread(tuple(plain[key] / worker[key] for worker, plain in pairs))


def _row(found: dict[tuple[int, str], list[dict[str, Any]]], rows: int, name: str) -> list[str]:
    runs = found[rows, name]
    cpu, wall, peak = (Spread(tuple(one[key] for one in runs)) for key in ("cpu_s", "wall_s", "peak_bytes"))
    faster = [_faster(found, rows, key).text(times) if name == "worker" else "1" for key in ("cpu_s", "wall_s")]
    return [f"{rows:,}", PATHS[name], cpu.text(seconds), wall.text(seconds), *faster, peak.text(megabytes)]
