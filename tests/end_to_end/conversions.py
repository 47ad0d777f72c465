"""The deployed connector of conversions, as tests feed it sales and read what counts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.platforms.meta.settings import DEFAULT_DATASET
from tests.end_to_end.dialects import Dialect
from tests.end_to_end.driver import Sandbox
from tests.end_to_end.line import Line
from tests.end_to_end.people import Person
from tests.end_to_end.records import Put

PLATFORM = "meta_conversions"
HEADER = ("event_name", "event_time", "action_source", "order_id", "value", "currency", "email")
CENTS = 10_000  # below which every sale's value is


@dataclass
class Conversions(Line):
    """The connector of conversions; the simulated Meta has its datasets beside the audiences."""

    @classmethod
    def of(cls, sandbox: Sandbox) -> Conversions:
        """Return the line of the connector that the settings have for conversions."""
        connectors = sandbox.described["connectors"]
        return cls(sandbox, next(name for name, one in connectors.items() if one["platform"] == PLATFORM), "meta")

    @property
    def dialect(self) -> Dialect:
        """Return what there is to know of Meta, of which events are the uploads here."""
        return replace(super().dialect, upload="/events")

    def put_sales(self, body: bytes, file: str = "sales.csv") -> Put:
        """Drop a file of sales for the dataset that the secret names."""
        return self.put("shops", body, kind="events", file=file)

    def dataset(self) -> dict[str, Any]:
        """Return the counts of the secret's dataset; zeros before its first event."""
        nothing = {"received": 0, "counted": 0, "doubles": 0, "values": {}}
        return next((one for one in self.audiences() if one["id"] == DEFAULT_DATASET), nothing)


def cents_of(number: int) -> int:
    """Return what the n-th sale is worth."""
    return number * 7_919 % CENTS + 1


def sales(to: Iterable[Person]) -> bytes:
    """Write a sale of an hour ago to each of these people, each an order of its own."""
    time = (datetime.now(tz=UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for number, person in enumerate(to):
        value = f"{cents_of(number) / 100:.2f}"
        writer.writerow(("purchase", time, "store", f"A-{number}", value, "EUR", person.email))
    return text.getvalue().encode()
