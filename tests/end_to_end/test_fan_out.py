"""Large files through the deployed line: several functions at once, one run."""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tests.end_to_end.driver import until
from tests.end_to_end.line import Line
from tests.end_to_end.people import DOMAIN, as_csv, people

LARGE = {"SPLIT_ABOVE_BYTES": "400000", "MAX_PARTS": "4", "MAX_ROWS_PER_REQUEST": "1000"}
LARGE_MIB = int(os.environ.get("LARGE_MIB", "0"))
WORKER_MIB = 256


def records_of_parts(meta: Line) -> list[dict[str, Any]]:
    """Return the ledger's records of parts."""
    items = meta.sandbox.client("dynamodb").scan(TableName=meta.variables["LEDGER_TABLE"])["Items"]
    return [item for item in items if "#part#" in item["pk"]["S"]]


@pytest.mark.faults
def test_several_functions_share_a_large_file(meta: Line) -> None:
    """The account holds exactly the file's people, one receipt accounts for every row, parts are no runs."""
    meta.configure(environment=LARGE)
    some = people(30_000, "shared-out")
    body = as_csv(some).replace(b"\n", b"\nnot an address,\n", 20)
    put = meta.put("Large", body)
    receipt = meta.finish(put, 240)
    assert receipt["state"] == "applied"
    assert receipt["parts"] == 4
    assert receipt["rows"] == {
        "in": 30_020,
        "read": 30_020,
        "acknowledged": 30_000,
        "rejected_by_us": 20,
        "rejected_by_platform": 0,
    }
    assert [int(row) for row, _, _ in meta.rejects(receipt)] == list(range(1, 40, 2))
    assert meta.held("Large") == meta.members(some)
    assert len(meta.audiences()) == 1
    assert len(records_of_parts(meta)) == 4
    sent = meta.sent()
    assert (sent.resent, sent.rows) == (0, 30_000)
    assert meta.dead_letters() == []


@pytest.mark.faults
def test_a_worker_of_a_part_that_is_killed_costs_what_it_had_in_flight(meta: Line) -> None:
    """Killed with signal 9 while the platform has its call, a part goes on from its cursor later."""
    meta.configure(environment=LARGE)
    meta.sandbox.simulator_config("meta", latency_s=0.5)
    some = people(20_000, "shared-and-killed")
    put = meta.put("Killed", as_csv(some))
    meta.wait_for_calls(4)
    busy = [worker["pid"] for worker in meta.sandbox.workers("meta") if worker["in_flight"]]
    for pid in busy:
        meta.kill(pid)
    meta.sandbox.simulator_config("meta", latency_s=0.0)
    meta.pass_time(6 * meta.deployed["Timeout"] + 1)  # until the messages of the dead are seen again
    receipt = meta.finish(put, 240)
    assert receipt["state"] == "applied"
    assert receipt["rows"]["in"] == receipt["rows"]["acknowledged"] == 20_000
    assert meta.held("Killed") == meta.members(some)
    assert meta.sent().resent <= len(busy) * 4  # the requests a worker has in flight


def export(file: BinaryIO, size_bytes: int) -> int:
    """Write a customer export of about this size, most of it columns that no platform takes; returns its rows."""
    drawn = random.Random(5)
    first = [f"Name{number}" for number in range(400)]
    last = [f"Sur'name {number}" for number in range(4_000)]
    file.write(b"customer_id,email,phone,first_name,last_name,segment,last_order,lifetime_value,notes\n")
    rows = 0
    while file.tell() < size_bytes:
        lines = []
        for row in range(rows + 1, rows + 5_001):
            note = f'"Prefers ""chat"", not calls;\nordered {row % 17} times, last in shop {row % 1_009}"'
            lines.append(
                f"{row:010d},Person.{row}@{DOMAIN},+49151{row:08d},{drawn.choice(first)},{drawn.choice(last)},"
                f"segment-{row % 50},2026-{row % 12 + 1:02d}-{row % 28 + 1:02d},{row % 90_000 / 100:.2f},{note}\n"
            )
        file.write("".join(lines).encode())
        rows += 5_000
    return rows


@pytest.mark.skipif(not LARGE_MIB, reason="LARGE_MIB=512 sends a file of that size, which takes minutes")
@pytest.mark.timeout(3_000)
def test_a_file_of_many_megabytes(meta: Line, capsys: pytest.CaptureFixture[str]) -> None:
    """Run with LARGE_MIB=512: the receipt's sums are the file's, and no worker has needed much memory."""
    meta.configure(environment={"MAX_PARTS": os.environ.get("LARGE_PARTS", "8")})
    meta.restart()
    with tempfile.TemporaryFile(dir=Path(__file__).parent) as file:
        rows = export(file, LARGE_MIB * 1024 * 1024)
        file.seek(0)
        put = meta.put_key("meta/Huge/raw/customers.csv", file.read())
    began, peaks = time.monotonic(), {}

    def final() -> dict[str, Any] | None:
        peaks.update({one["pid"]: one["peak_memory_bytes"] for one in meta.sandbox.workers("meta")})
        receipt = meta.sandbox.receipt_so_far(put.receipt_key)
        return receipt if receipt and receipt["final"] else None

    receipt = until(final, 2_900)
    wall_s = time.monotonic() - began
    with capsys.disabled():
        lines = [json.dumps(receipt, indent=2), f"{rows:,} rows in {wall_s:.1f} s, {rows / wall_s:,.0f} rows/s"]
        lines += [f"worker {pid}: {peak / 1024 / 1024:.0f} MiB at its peak" for pid, peak in sorted(peaks.items())]
        sys.stdout.write("\n".join(["", *lines, ""]))
    assert receipt["state"] == "applied"
    assert receipt["rows"]["in"] == receipt["rows"]["acknowledged"] == rows
    assert meta.sent().rows == rows
    assert max(peaks.values()) <= WORKER_MIB * 1024 * 1024
