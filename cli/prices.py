"""AWS's prices for a run, for estimates: on demand, us-east-1, without any free tier."""

from __future__ import annotations

import math
from dataclasses import dataclass

READ = "2026-11-22"
LAMBDA_SOURCE = "https://aws.amazon.com/lambda/pricing/"
DYNAMODB_SOURCE = "https://aws.amazon.com/dynamodb/pricing/on-demand/"

GB_SECOND_USD = 0.0000133334  # arm64, the first 7.5 billion GB-seconds of a month
INVOCATION_USD = 0.20 / 1_000_000
WRITE_UNIT_USD = 0.625 / 1_000_000  # a write of up to 1 KB
READ_UNIT_USD = 0.125 / 1_000_000  # a strongly consistent read of up to 4 KB

# A connector's function with the default memory of the settings: about one vCPU,
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html (read 2026-11-22).
MEMORY_MB = 1769
INVOCATION_S = 300


@dataclass(frozen=True)
class Cost:
    """Dollars, by service."""

    lambda_usd: float
    dynamodb_usd: float

    @property
    def total_usd(self) -> float:
        """Return the sum of both."""
        return self.lambda_usd + self.dynamodb_usd


def cost(
    active_s: float, write_units: float, read_units: float, *, memory_mb: int = MEMORY_MB, invocations: int = 0
) -> Cost:
    """Price a run whose functions work `active_s` seconds in all. `invocations` 0: as many as that time takes."""
    invocations = invocations or max(1, math.ceil(active_s / INVOCATION_S))
    return Cost(
        lambda_usd=active_s * memory_mb / 1024 * GB_SECOND_USD + invocations * INVOCATION_USD,
        dynamodb_usd=write_units * WRITE_UNIT_USD + read_units * READ_UNIT_USD,
    )
