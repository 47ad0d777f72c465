"""`activation receipts` in a whole sandbox: the deployed table, queried and exported after real runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cli.athena.environment import interpreter
from tests.end_to_end.line import Line
from tests.end_to_end.people import DOMAIN, as_csv, people
from tests.end_to_end.test_commands import activation


def _rows(line: Line, query: str) -> list[dict[str, Any]]:
    done = activation(line, "receipts", "query", query, "--json")
    assert done.returncode == 0, done.stderr
    assert DOMAIN not in done.stdout
    return [json.loads(one) for one in done.stdout.splitlines()]


@pytest.mark.timeout(900)  # the first query on a machine installs awswrangler
@pytest.mark.faults
def test_runs_are_queried_and_exported_as_a_table(meta: Line, tmp_path: Path) -> None:
    """A run is in the next query and in an export, with the rows of its receipt; a second run is added."""
    interpreter()
    body = as_csv(people(40, "queried")).replace(b"\n", b"\nnot an address,\n", 1)
    first = meta.put("Queried", body)
    receipt = meta.finish(first)
    query = "select run_id, rows_in, rows_acknowledged from receipts where audience = 'Queried'"
    assert _rows(meta, query) == [{"run_id": first.run_id, "rows_in": 41, "rows_acknowledged": 40}]
    codes = {one["code"]: one["row_count"] for one in _rows(meta, "rejections") if one["connector"] == "meta"}
    assert codes.items() >= receipt["rejected_by_us"].items()
    second = meta.put("Queried", as_csv(people(30, "queried again")))
    meta.finish(second)
    query = "select count(*) as runs, sum(rows_acknowledged) as people from receipts where audience = 'Queried'"
    assert _rows(meta, query) == [{"runs": 2, "people": 70}]
    rates = [one for one in _rows(meta, "match-rate") if one["audience"] == "Queried"]
    assert (sum(one["rows_in"] for one in rates), sum(one["accepted"] for one in rates)) == (71, 70)
    by_day = [one for one in _rows(meta, "rejections-by-day") if one["source"] == "meta"]
    assert {one["code"] for one in by_day} >= receipt["rejected_by_us"].keys()
    file = tmp_path / "receipts.parquet"
    exported = activation(meta, "receipts", "export", "--output", str(file))
    assert exported.returncode == 0, exported.stderr
    rows = [one for one in pq.read_table(file).to_pylist() if one["audience"] == "Queried"]
    assert {one["run_id"]: one["rows_acknowledged"] for one in rows} == {first.run_id: 40, second.run_id: 30}
