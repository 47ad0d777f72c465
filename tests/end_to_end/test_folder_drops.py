"""A folder dropped by the command: one run, whatever the number of its files."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.end_to_end.line import Line
from tests.end_to_end.people import as_csv, people
from tests.end_to_end.test_commands import activation

PARTS, ROWS, WITHIN_S = 200, 100, 60


@pytest.mark.faults
@pytest.mark.parametrize("parts", [1, 4])
def test_a_folder_of_many_small_files_is_one_run(meta: Line, tmp_path: Path, parts: int) -> None:
    """200 files of 100 rows are sent by one worker within a minute, or by several, with one receipt for all."""
    if parts > 1:
        meta.configure(environment={"SPLIT_ABOVE_BYTES": "400000", "MAX_PARTS": str(parts)})
    some = people(PARTS * ROWS, f"folder-for-{parts}")
    folder = tmp_path / "export"
    folder.mkdir()
    for at in range(PARTS):
        body = as_csv(some[at * ROWS : (at + 1) * ROWS])
        (folder / f"part-{at:05}").write_bytes(body.replace(b"\n", b"\nnot an address,\n", int(at == 7)))
    (folder / "_SUCCESS").touch()
    audience = f"Folder for {parts}"
    dropped = activation(meta, "drop", str(folder), "--connector", "meta", "--audience", audience, "--json")
    began = time.monotonic()
    assert dropped.returncode == 0, dropped.stderr
    told = json.loads(dropped.stdout)
    assert (told["files"], told["skipped"]) == (PARTS, ["_SUCCESS"])
    receipt = meta.sandbox.receipt(f"receipts/meta/{audience}/{told['run_id']}.json", 120)
    assert parts > 1 or time.monotonic() - began < WITHIN_S
    assert (receipt["state"], receipt["folder"]["files"]) == ("applied", PARTS)
    assert receipt["rows"]["in"] == PARTS * ROWS + 1
    assert receipt["rows"]["acknowledged"] == PARTS * ROWS
    assert receipt.get("parts", 1) == parts
    assert meta.held(audience) == meta.members(some)
    rejected = activation(meta, "receipt", told["run_id"], "--rejects")
    lines = [line for line in rejected.stdout.splitlines() if line.endswith(",part-00007,1")]
    assert {line.split(",")[0] for line in lines} == {str(7 * ROWS + 1)}
    runs = map(json.loads, activation(meta, "status", "--json").stdout.splitlines())
    assert [one["run_id"] for one in runs if one["audience"] == audience] == [told["run_id"]]
    assert meta.dead_letters() == []
