"""Many small files for one audience through the deployed line, timed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from tests.end_to_end.driver import until
from tests.end_to_end.line import Line
from tests.end_to_end.people import as_csv, people

FILES = int(os.environ.get("SMALL_FILES", "0"))
ROWS = 100


@pytest.mark.skipif(not FILES, reason="SMALL_FILES=40 drops as many files, and prints how long they take")
@pytest.mark.parametrize("connector", os.environ.get("SMALL_FILES_TO", "meta").split(","))
def test_many_small_files_for_one_audience(
    lines: dict[str, Line], connector: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is a run of its own and none is sent twice; a file for another audience does not wait for them."""
    line = lines[connector]
    line.reset()
    line.restart()
    some = people(FILES * ROWS, "small-files")
    puts = [
        line.put("Crowd", as_csv(some[first : first + ROWS]), file=f"{first:06d}.csv")
        for first in range(0, len(some), ROWS)
    ]
    began = time.monotonic()
    other = line.put("Elsewhere", as_csv(people(ROWS, "elsewhere")))
    keys = {one.receipt_key for one in (*puts, other)}
    ended: dict[str, float] = {}
    receipts: dict[str, dict[str, Any]] = {}

    def finals() -> Iterator[str]:
        for key in keys - receipts.keys():
            receipt = line.sandbox.receipt_so_far(key)
            if receipt and receipt["final"]:
                receipts[key], ended[key] = receipt, time.monotonic() - began
                yield key

    until(lambda: True if list(finals()) is not None and receipts.keys() == keys else None, 280)
    crowd = [receipts[one.receipt_key] for one in puts]
    arrived = sorted(crowd, key=lambda one: str(one["started_at"]))
    passed = sum(str(one["written_at"]) > str(later["written_at"]) for one, later in combinations(arrived, 2))
    with capsys.disabled():
        sys.stdout.write(
            f"\n{connector}: {FILES} files of {ROWS} rows in {max(ended.values()):.1f} s after the last drop,"
            f" another audience's in {ended[other.receipt_key]:.1f} s;"
            f" {sum(one['active_seconds'] for one in crowd) / FILES:.2f} s of work and"
            f" {sum(one['requests'] for one in crowd) / FILES:.1f} requests each;"
            f" {passed} of {FILES * (FILES - 1) // 2} pairs out of order\n"
        )
    assert {one["state"] for one in receipts.values()} == {"applied"}
    assert line.held("Crowd") == line.members(some)
    assert line.sent().resent == 0
    assert line.dead_letters() == []
