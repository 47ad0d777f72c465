"""Months of a dataset in order of arrival: hours, their copies, and corrections for up to 60 days.

https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/faq, read 2026-11-22: traffic arrives
within 12 hours and is corrected for 72 more, conversions are corrected for 60 days, anything may arrive twice.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.platforms.marketing_stream.composer import Composer


@dataclass(frozen=True)
class Arrival:
    """A message and its time of arrival."""

    at: datetime
    body: str


def history(
    composer: Composer, dataset: str, *, first: datetime, days: int, an_hour: int, seed: int = 1
) -> Iterator[Arrival]:
    """Yield every message of `days` days with `an_hour` records an hour, by time of arrival."""
    draw = random.Random(seed)
    correction_hours = 60 * 24 if dataset.endswith("conversion") else 72
    arrivals = []
    for number in range(days * 24):
        hour = first + timedelta(hours=number)
        for _ in range(an_hour):
            body = composer.record(dataset, hour)
            arrivals.append(Arrival(hour + timedelta(hours=draw.uniform(1, 12)), body))
            for _ in range(draw.choice((0, 0, 1, 2))):
                late = timedelta(hours=draw.uniform(12, 12 + correction_hours))
                arrivals.append(Arrival(hour + late, composer.correction(dataset, body)))
    copies = [
        Arrival(one.at + timedelta(minutes=draw.uniform(0, 600)), one.body)
        for one in draw.sample(arrivals, len(arrivals) // 20)
    ]
    yield from sorted([*arrivals, *copies], key=lambda one: one.at)
