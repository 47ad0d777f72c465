"""Dollars per million rows."""

from __future__ import annotations

from collections.abc import Callable

import requests

from bench import servers
from bench.environments import Environment
from bench.figures import Table, Target
from bench.files import Files
from bench.pipelining import LATENCY_S, work
from bench.plan import Sizes
from cli import prices

BY_THE_FUNCTION = 0  # requests in flight
WANTED_USD = 0.0002


def cost(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Price a measured run against a platform that answers in half a second."""
    step("cost")
    path = files.path(sizes.cpu_rows)
    with servers.simulator(LATENCY_S) as server:
        secret = requests.get(f"{server.url}/_sim/secret", timeout=10).json()
        found = work(function, str(path), secret, BY_THE_FUNCTION, None)
    scale = 1_000_000 / found["rows"]
    active_s = found["wall_s"] * scale
    dollars = prices.cost(active_s, found["write_units"] * scale, found["read_units"] * scale)
    return Table(
        "Cost",
        f"Dollars per 1,000,000 rows: {found['rows']:,} rows measured, {found['requests']} requests answered "
        f"after {LATENCY_S * 1000:.0f} ms, as many in flight as the function chooses, at most half of its memory in use "
        f"(peak {found['peak_bytes'] / 1e6:.0f} MB).",
        ("", "used", "price, us-east-1", "dollars"),
        [
            [
                f"Lambda, arm64, {prices.MEMORY_MB} MB",
                f"{active_s * prices.MEMORY_MB / 1024:.1f} GB-s",
                f"${prices.GB_SECOND_USD:.10f} a GB-s, $0.20 a million invocations",
                f"{dollars.lambda_usd:.6f}",
            ],
            [
                "DynamoDB on demand",
                f"{found['write_units'] * scale:,.0f} write, {found['read_units'] * scale:,.0f} read units",
                f"${prices.WRITE_UNIT_USD * 1e6:.3f} a million writes, ${prices.READ_UNIT_USD * 1e6:.3f} a million reads",
                f"{dollars.dynamodb_usd:.6f}",
            ],
            ["together", "", "", f"{dollars.total_usd:.6f}"],
        ],
        targets=(
            Target(f"at most ${WANTED_USD}", f"${dollars.total_usd:.6f}", dollars.total_usd <= WANTED_USD),
            Target(
                "at most half of the function's memory",
                f"{found['peak_bytes'] / 1e6:.0f} MB",
                found["peak_bytes"] <= prices.MEMORY_MB * 1024 * 1024 / 2,
            ),
        ),
        notes=(
            (
                f"Prices of {prices.READ}: {prices.LAMBDA_SOURCE}, {prices.DYNAMODB_SOURCE}. S3, SQS, EventBridge and "
                "logs add less than a tenth of a cent a drop. The seconds are this machine's; Lambda's processors "
                "differ."
            ),
        ),
    )
