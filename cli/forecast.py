"""Estimates from a dry run: time, cost and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cli import prices
from cli.dry_run import DryRun, Sums

ANSWER_S = 0.5  # about what the large platforms take to answer an upload of ten thousand rows
# Measured by the bench: a batch's record in the ledger is one to two kB, and the rate limit is read once a second.
WRITE_UNITS_PER_UPLOAD, WRITE_UNITS_PER_RUN = 2, 10
READ_UNITS_PER_S, READ_UNITS_PER_RUN = 1, 5

NO_COUNTRY_CODE_SHARE = 0.5
LEFT_OUT_SHARE = 0.5
REJECTED_SHARE = 0.1
REPEATED_SHARE = 0.2


@dataclass(frozen=True)
class Forecast:
    """What a run would take: minutes by access tier, seconds of the functions' work, dollars."""

    minutes: dict[str, float]
    active_s: float
    cost: prices.Cost


def forecast(run: DryRun, sums: Sums) -> Forecast:
    """Estimate a run. Time spent waiting for the platform is spent in the queue and costs nothing."""
    active_s = max(sums.cpu_s, sums.uploads * ANSWER_S / run.in_flight)
    minutes = {name: max(active_s, tier.seconds(sums.uploads)) / 60 for name, tier in run.tiers.items()}
    dollars = prices.cost(
        active_s,
        WRITE_UNITS_PER_RUN + WRITE_UNITS_PER_UPLOAD * sums.uploads,
        READ_UNITS_PER_RUN + READ_UNITS_PER_S * active_s,
        memory_mb=int(run.connector.settings.get("memory_mb") or prices.MEMORY_MB),
    )
    return Forecast(minutes, active_s, dollars)


def warnings(run: DryRun, sums: Sums) -> Iterator[tuple[str, str]]:
    """Yield what looks wrong although nothing rejects it: a stable code and a sentence."""
    if not sums.rows and sums.refusal is None:
        yield "no_rows", "the file has no rows; its run would end at once and send nothing"
    for key, bare in sums.bare_numbers.items():
        filled = sums.filled[key]
        if filled and bare >= NO_COUNTRY_CODE_SHARE * filled and not run.context.default_country:
            sentence = (
                f"{_share(bare, filled)} of the cells for {key} begin with neither + nor 00 and there is no "
                "default_country; without a country code they match nobody, or the wrong person"
            )
            yield "phones_without_country_code", sentence
    for key, filled in sums.filled.items():
        codes = {code: found.count for (of, code), found in sums.left_out.items() if of == key}
        cells = sum(codes.values())
        if filled and cells >= LEFT_OUT_SHARE * filled:
            worst = max(codes, key=lambda code: codes[code])
            yield (
                "cells_left_out",
                f"{_share(cells, filled)} of the cells for {key} are left out, most often as {worst}",
            )
    rejected = sum(found.count for found in sums.rejected.values())
    if sums.rows and rejected >= REJECTED_SHARE * sums.rows:
        yield "rows_rejected", f"{_share(rejected, sums.rows)} of the rows are rejected"
    people = run.people(sums)
    if sums.sent and people <= (1 - REPEATED_SHARE) * sums.sent:
        yield "rows_repeat", f"{sums.sent:,} rows name only {people:,} different people"
    if sums.sent and people < run.platform.minimum.people:
        yield "audience_small", f"{people:,} people: {run.platform.minimum.why}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}"
