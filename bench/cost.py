"""Dollars per million rows."""

from __future__ import annotations

from collections.abc import Callable

from bench.deployed_file import sent
from bench.environments import Environment
from bench.figures import Table, Target
from bench.files import Files
from bench.pipelining import LATENCY_S
from bench.plan import Sizes
from cli import prices

WANTED_USD = 0.0002


def cost(sizes: Sizes, files: Files, function: Environment, step: Callable[[str], None]) -> Table:
    """Price what the deployed function takes for a file, at a platform that answers in half a second."""
    step("cost")
    found = sent(files.path(sizes.cpu_rows), function, LATENCY_S, None)
    scale = 1_000_000 / sizes.cpu_rows
    active_s = found.wall_s * scale
    dollars = prices.cost(active_s, found.write_units * scale, found.read_units * scale)
    return Table(
        "Cost",
        f"Dollars per 1,000,000 rows: {sizes.cpu_rows:,} rows through the deployed function, warm, in one invocation "
        f"against the sandbox's AWS; each request is answered after {LATENCY_S * 1000:.0f} ms, as many are in flight as "
        f"the function chooses, with at most half of its memory in use (peak {found.peak_bytes / 1e6:.0f} MB). Units are "
        f"those of the whole items that are written and read.",
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
                f"{found.write_units * scale:,.0f} write, {found.read_units * scale:,.0f} read units",
                f"${prices.WRITE_UNIT_USD * 1e6:.3f} a million writes, ${prices.READ_UNIT_USD * 1e6:.3f} a million reads",
                f"{dollars.dynamodb_usd:.6f}",
            ],
            ["together", "", "", f"{dollars.total_usd:.6f}"],
        ],
        targets=(
            Target(f"at most ${WANTED_USD}", f"${dollars.total_usd:.6f}", dollars.total_usd <= WANTED_USD),
            Target(
                "at most half of the function's memory",
                f"{found.peak_bytes / 1e6:.0f} MB",
                found.peak_bytes <= prices.MEMORY_MB * 1024 * 1024 / 2,
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
