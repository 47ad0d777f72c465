"""The demo's retail export holds what it says, and `normalize` makes of it what the demo expects."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from glue_scripts.normalize import storage
from glue_scripts.normalize.run import normalize
from sandbox.demo import retail, retail_drops
from sandbox.place import ROOT
from tests.infrastructure.settings_read import read

CUSTOMERS = 300


@pytest.fixture(scope="module")
def made() -> retail.Export:
    """Return a small export for Meta."""
    return retail.write(datetime.now(tz=UTC), "meta", CUSTOMERS)


def _normalized(
    made: retail.Export, mapping: dict[str, Any], folder: Path
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the report of `normalize` and the rows that it wrote."""
    export = folder / "export"
    export.mkdir()
    for name, body in {**made.files, "_SUCCESS": b""}.items():
        (export / name).write_bytes(body)
    (folder / "mapping.json").write_bytes(retail.as_file(mapping))
    report = normalize(str(folder / "mapping.json"), str(export), str(folder / "out"))
    drop = folder / "out" / report.document["key"]
    rows = [row for one in report.parts for row in pq.read_table(drop / one.name).to_pylist()]
    return dict(report.document), rows


def test_the_export_is_worth_what_is_expected_of_it(made: retail.Export) -> None:
    """Its rows, read back, have as many spenders, tickets and cents as it says."""
    rows = [row for body in made.files.values() for row in csv.DictReader(io.StringIO(body.decode()))]
    spent: Counter[str] = Counter()
    for row in rows:
        spent[row["c_customer_id"]] += round(float(row["ss_net_paid"]) * 100)
    assert (len(rows), len(spent)) == (made.rows, CUSTOMERS)
    assert sum(cents >= retail.SPENT * 100 for cents in spent.values()) == made.spenders
    assert len({row["ss_ticket_number"] for row in rows}) == made.tickets
    assert spent.total() == made.cents["USD"]
    assert 0 < made.spenders < CUSTOMERS


def test_big_spenders_are_the_expected_members(made: retail.Export, tmp_path: Path) -> None:
    """The hashed rows are the members that the platform should hold, which were computed without a connector."""
    report, rows = _normalized(made, retail.big_spenders("meta", "meta", "Spenders"), tmp_path)
    assert {frozenset((key, cell) for key, cell in row.items() if cell) for row in rows} == made.members
    assert report["groups"]["written"] == made.spenders - made.unusable
    assert sum(report["groups"]["rejected"].values()) == made.unusable


def test_each_ticket_is_one_conversion_with_its_sum(made: retail.Export, tmp_path: Path) -> None:
    """An event is worth the sum of its ticket's items, and has an id of its own."""
    report, rows = _normalized(made, retail.purchases("shop", "meta_conversions", "Shops"), tmp_path)
    cents: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        cents[row["event_id"]] += round(float(row["value"]) * 100)
    assert (len(cents), sum(cents.values())) == (made.tickets, made.cents["USD"])
    assert report["groups"]["rejected"] == {}


def test_the_mappings_are_deployed_as_exports(tmp_path: Path) -> None:
    """The settings take the flag that `make normalize` deploys with, for connectors that they have."""
    settings = json.loads((ROOT / "cdk.context.json").read_text())["audience_activation"]
    found = read(settings, None, **retail_drops.flag(tmp_path / "mappings")).normalize
    assert found is not None
    targets = {one.name: (one.mapping.connector, one.mapping.folders) for one in found.exports}
    assert targets == {
        "big-spenders": ("meta", f"meta/{retail_drops.AUDIENCE}/hashed/"),
        "purchases": ("meta-conversions", f"meta-conversions/{retail_drops.DATASET}/events/"),
    }
    mapping = json.loads((tmp_path / "mappings" / "big-spenders.json").read_bytes())
    assert retail_drops.folders(mapping) == targets["big-spenders"][1]


def test_a_lake_is_normalised_from_its_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the deployed job, a drop is made in this process, of the files that are in the bucket."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    storage.s3.cache_clear()
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="drops")
        lake = retail_drops.Lake.filled({"drops_bucket": "drops"}, "meta")
        report = lake.normalized(retail.big_spenders("meta", "meta", retail_drops.AUDIENCE))
        client.head_object(Bucket="drops", Key=f"{report['key']}_manifest.json")
    storage.s3.cache_clear()
    assert report["rows"]["read"] == lake.made.rows
    assert report["groups"]["written"] == lake.made.spenders - lake.made.unusable
