"""Estimates from a dry run: time and cost."""

from __future__ import annotations

from dataclasses import dataclass

from activation.platforms.session import answers_s

from cli import prices
from cli.dry_run import DryRun
from cli.dry_run_sums import Sums

# Measured by the bench: a batch's record in the ledger is one to two kB, and the rate limit is read once a second.
WRITE_UNITS_PER_UPLOAD, WRITE_UNITS_PER_RUN = 2, 10
READ_UNITS_PER_S, READ_UNITS_PER_RUN = 1, 5


@dataclass(frozen=True)
class Forecast:
    """What a run would take: minutes by access tier, seconds of the functions' work, dollars."""

    minutes: dict[str, float]
    active_s: float
    cost: prices.Cost


def forecast(run: DryRun, sums: Sums) -> Forecast:
    """Estimate a run. Time spent waiting for the platform is spent in the queue and costs nothing."""
    active_s = max(sums.cpu_s, answers_s(sums.uploads, run.most_in_flight))
    minutes = {name: max(active_s, tier.seconds(sums.uploads)) / 60 for name, tier in run.tiers.items()}
    dollars = prices.cost(
        active_s,
        WRITE_UNITS_PER_RUN + WRITE_UNITS_PER_UPLOAD * sums.uploads,
        READ_UNITS_PER_RUN + READ_UNITS_PER_S * active_s,
        memory_mb=int(run.connector.settings.get("memory_mb") or prices.MEMORY_MB),
    )
    return Forecast(minutes, active_s, dollars)
