"""The demo's sales: dropped as conversions, followed to their receipt, compared with what they are worth."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import boto3
from activation.identifiers.column_map import parse, to_metadata
from activation.model import Audience, Drop
from activation.report.receipts import stem

from sandbox.connectors import SIMULATED_BY
from sandbox.demo.people import HEADER, people
from sandbox.demo.watch import await_receipt
from sandbox.platforms.outside import Outside

if TYPE_CHECKING:
    from rich.console import Console

PLATFORM = "meta_conversions"
ROWS = 5_000
COLUMNS = ("Order ID", "Order Date", "Total", "Currency")
SAID = ("event_name=purchase", "action_source=store")  # what no export of orders has a column for
CURRENCIES = ("EUR", "USD", "GBP")
BAD_EVERY = 250  # rows; a few of each mistake
DAYS = 5

# By a dataset's id: how many events count there, and their cents by currency.
Counts = Mapping[str, tuple[int, Counter[str]]]


@dataclass
class Export:
    """A file of sales, and what should come of it: values in cents by currency, and rejected rows by code."""

    body: bytes = b""
    cents: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Sold:
    """A finished drop of sales: its receipt, the values that count at the platform, and what was expected."""

    connector: str
    receipt: dict[str, Any]
    rows: int
    counted: int
    cents: dict[str, int]
    expected: Export


def write(rows: int, now: datetime, *, seed: int = 2026) -> Export:
    """Generate a sale for each of so many people, with the mistakes of real exports; the seed decides."""
    chance, made, text = random.Random(seed), Export(), io.StringIO()
    writer = csv.writer(text)
    writer.writerow((*HEADER, *COLUMNS))
    for number, person in enumerate(people(rows, 0, seed=seed)):
        cents, currency = chance.randrange(99, 50_000), chance.choice(CURRENCIES)
        time = now - timedelta(seconds=chance.randrange(3_600, DAYS * 86_400))
        cells = [f"S-{now:%Y%m%d%H%M%S}-{number:06d}", _written(chance, time), f"{cents / 100:.2f}", currency]
        if number % BAD_EVERY == BAD_EVERY - 1:
            code, mistake = MISTAKES[number // BAD_EVERY % len(MISTAKES)]
            mistake(cells, time)
            made.rejects[code] += 1
        else:
            made.cents[currency] += cents
        writer.writerow((*person.cells, *cells))
    made.body = text.getvalue().encode()
    return made


def _written(chance: random.Random, time: datetime) -> str:
    return chance.choice(
        (
            f"{time:%Y-%m-%dT%H:%M:%SZ}",
            f"{time.astimezone(timezone(timedelta(hours=1))):%Y-%m-%d %H:%M:%S+01:00}",
            str(int(time.timestamp())),
        )
    )


def _milliseconds(cells: list[str], time: datetime) -> None:
    cells[1] = str(int(time.timestamp() * 1000))


def _in_cell(place: int, text: str) -> Callable[[list[str], datetime], None]:
    def mistake(cells: list[str], _: datetime) -> None:
        cells[place] = text

    return mistake


MISTAKES: tuple[tuple[str, Callable[[list[str], datetime], None]], ...] = (
    ("event_time_missing", _in_cell(1, "")),
    ("time_in_milliseconds", _milliseconds),
    ("negative_value", _in_cell(2, "-19.90")),
    ("currency_missing", _in_cell(3, "")),
    ("not_an_amount", _in_cell(2, "19,90 EUR")),
)


def connector_of(described: dict[str, Any]) -> str | None:
    """Return the first connector of conversions, None where the settings have none."""
    return next((name for name, one in described["connectors"].items() if one["platform"] == PLATFORM), None)


def deliver(described: dict[str, Any], connector: str, console: Console, rows: int = ROWS) -> Sold:
    """Drop the sales for the dataset of the connector's secret; raises SandboxError if the run does not end."""
    client, expected = boto3.client("s3"), write(rows, datetime.now(tz=UTC))
    before = counts(described)
    dataset, bucket = Audience(connector, "Demo shops"), described["drops_bucket"]
    key = f"{connector}/{dataset.name}/events/sales.csv"
    version = client.put_object(Bucket=bucket, Key=key, Body=expected.body, Metadata=to_metadata(parse(SAID)))
    run_id = Drop(bucket, key, version["VersionId"], "", len(expected.body)).run_id(connector)
    receipt = await_receipt(
        client,
        described["receipts_bucket"],
        f"{stem(dataset, run_id)}.json",
        rows=rows,
        what=f"sales to {connector}",
        console=console,
    )
    counted, cents = counts(described, before)[receipt["audience"]["id"]]
    return Sold(connector, receipt, rows, counted, cents, expected)


def counts(described: dict[str, Any], before: Counts | None = None) -> Counts:
    """Return how many events count in each dataset of the simulated platform, and their cents by currency.

    With `before`, only what came since then: whatever the demo sends goes to the dataset of one secret.
    """
    state = Outside(described["simulators"][SIMULATED_BY[PLATFORM]]).state(members=False)
    found: defaultdict[str, tuple[int, Counter[str]]] = defaultdict(lambda: (0, Counter()))
    for one in state["audiences"]:
        cents = Counter({currency: round(value * 100) for currency, value in one.get("values", {}).items()})
        earlier, earlier_cents = (before or {}).get(one["id"], (0, Counter()))
        found[one["id"]] = (one.get("counted", 0) - earlier, cents - earlier_cents)
    return found
