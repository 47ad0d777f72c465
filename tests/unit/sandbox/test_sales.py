"""The demo's sales are worth what it says, and its mistakes are found by the connector as it says."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime

from activation.drops.locate import locate
from activation.drops.source import BytesSource
from activation.identifiers.column_map import parse
from activation.identifiers.table import Context
from activation.platforms.discovery import platform_named

from cli.connectors import NamedConnector
from cli.dry_run import DryRun
from sandbox.demo import sales

ROWS = 2_000


def test_the_sales_are_worth_what_is_expected_of_them() -> None:
    """Each row that is not a mistake counts once, with its value in its own currency."""
    made = sales.write(ROWS, datetime.now(tz=UTC))
    rows = list(csv.DictReader(io.StringIO(made.body.decode())))
    good = [row for number, row in enumerate(rows, 1) if number % sales.BAD_EVERY]
    cents: Counter[str] = Counter()
    for row in good:
        cents[row["Currency"]] += round(float(row["Total"]) * 100)
    assert len(rows) == ROWS
    assert made.cents == cents


def test_a_dry_run_finds_the_mistakes_and_sends_the_rest() -> None:
    """The columns are known by their names, and each mistake has the code that the demo expects."""
    made = sales.write(ROWS, datetime.now(tz=UTC))
    named = NamedConnector("shop", platform_named(sales.PLATFORM))
    key = "shop/Demo shops/events/sales.csv"
    located = locate(key, connector="shop", table=named.platform.table, actions=named.platform.limits.actions)
    sums = DryRun(located, named, Context(), parse(sales.SAID)).over(BytesSource(made.body))
    assert sums.refusal is None
    assert {code: found.count for code, found in sums.rejected.items()} == made.rejects
    assert sums.sent == ROWS - made.rejects.total()


def test_a_sandbox_without_conversions_has_none_to_show() -> None:
    """Settings without such a connector are shown without sales."""
    described = {"connectors": {"meta": {"platform": "meta"}, "shop": {"platform": sales.PLATFORM}}}
    assert sales.connector_of(described) == "shop"
    assert sales.connector_of({"connectors": {"meta": {"platform": "meta"}}}) is None
