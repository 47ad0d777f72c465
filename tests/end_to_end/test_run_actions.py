"""A run that an operator stops at the half, and then continues, or undoes, by the commands of a deployed app."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.line import Line
from tests.end_to_end.people import as_csv, people
from tests.end_to_end.records import Put
from tests.end_to_end.test_commands import activation

BATCH_ROWS, BATCHES = 100, 20
ROWS = BATCH_ROWS * BATCHES


def _done(line: Line, *arguments: str) -> dict[str, Any]:
    done = activation(line, "run", *arguments, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _stopped(line: Line, name: str) -> Put:
    """Drop people for the audience of this name, and stop the run once half of them are sent."""
    environment = {"REQUESTS_IN_FLIGHT": "1", "MAX_ROWS_PER_REQUEST": str(BATCH_ROWS)}
    line.configure(environment=environment)
    line.sandbox.simulator_config(line.platform, latency_s=0.5)
    before = len(line.calls())
    put = line.put(name, as_csv(people(ROWS, name.lower())))
    line.wait_for_calls(before + BATCHES // 2 - 2)
    line.sandbox.simulator_config(line.platform, latency_s=8)  # so that a slow machine's command comes in time too
    assert _done(line, "stop", put.run_id)["says"] == "it stops after the requests that are in flight"
    line.sandbox.simulator_config(line.platform, latency_s=0.0)
    return put


@pytest.mark.faults  # the other test stops one as well
def test_a_run_is_stopped_at_the_half_and_continued(meta: Line) -> None:
    """The receipt says who stopped it after how many rows; `run retry` sends the rest, and nothing twice."""
    put = _stopped(meta, "Stopped")
    receipt = meta.finish(put)
    sent = receipt["rows"]["acknowledged"]
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "stopped")
    assert 0 < sent < ROWS
    assert receipt["rows"]["read"] == sent
    assert meta.held("Stopped") == meta.members(people(sent, "stopped"))
    assert receipt["orders"][0]["by"].startswith("arn:aws:")
    assert activation(meta, "run", "show", put.run_id).returncode == 1
    assert _done(meta, "retry", put.run_id)["says"].startswith("it continues where it ended")
    receipt = meta.finish_again(put)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", ROWS)
    assert [one["kind"] for one in receipt["orders"]] == ["stop", "retry"]
    assert meta.held("Stopped") == meta.members(people(ROWS, "stopped"))
    assert meta.sent().resent == 0


def test_a_stopped_run_is_undone(meta: Line) -> None:
    """The people that it sent leave the audience by a run with its own receipt; whom another sent too stays."""
    first = meta.put("Undone", as_csv([*people(5, "before"), *people(3, "undone")]), file="before.csv")
    assert meta.finish(first)["state"] == "applied"
    put = _stopped(meta, "Undone")
    sent = meta.finish(put)["rows"]["acknowledged"]
    told = _done(meta, "undo", put.run_id)
    run_id = told["run_id"]
    undo = replace(put, run_id=run_id, receipt_key=put.receipt_key.replace(put.run_id, run_id))
    receipt = meta.finish(undo)
    assert (receipt["state"], receipt["action"], receipt["undoes"]) == ("applied", "remove", put.run_id)
    assert (receipt["rows"]["acknowledged"], receipt["orders"][0]["kind"]) == (sent - 3, "undo")
    assert receipt["rejected_by_us"] == {"sent_by_other_runs": 3}
    assert meta.held("Undone") == meta.members([*people(5, "before"), *people(3, "undone")])
    lines = activation(meta, "runs", "--audience", "Undone", "--json").stdout.splitlines()
    listed = [json.loads(line) for line in lines]
    assert [one["run_id"] for one in listed] == [run_id, put.run_id, first.run_id]
    assert [one["undoes"] for one in listed] == [put.run_id, None, None]
    (undone_by,) = (one["undone_by"] for one in listed if one["undone_by"])
    assert (undone_by["run_id"], undone_by["state"], undone_by["rows_removed"]) == (run_id, "applied", sent - 3)
    assert undone_by["by"].startswith("arn:aws:")
    shown = activation(meta, "run", "show", put.run_id).stdout
    assert f"undone    undone by run {run_id}" in shown
    assert "asked     undo by arn:aws:" in activation(meta, "run", "show", run_id).stdout
    assert "asked of it" in activation(meta, "receipt", run_id).stdout


def test_a_run_whose_drop_is_deleted_is_undone_by_a_copy(meta: Line, tmp_path: Path) -> None:
    """As by default: the person gives the file that was dropped, which is uploaded, read and deleted again."""
    copy, other = tmp_path / "people.csv", tmp_path / "other.csv"
    copy.write_bytes(as_csv(people(20, "copied")))
    other.write_bytes(copy.read_bytes().upper())
    before = meta.put("Copied", as_csv(people(5, "before")), file="before.csv")
    assert meta.finish(before)["state"] == "applied"
    meta.configure(environment={"DELETE_FINAL_DROPS": "1"})
    put = meta.put("Copied", copy.read_bytes())
    assert meta.finish(put)["state"] == "applied"
    meta.wait_until_quiet()  # a quarter of an hour later
    refused = activation(meta, "run", "undo", put.run_id, "--yes")
    assert f"run undo {put.run_id} --drop FILE` takes your own copy of it" in refused.stderr
    refused = activation(meta, "run", "undo", put.run_id, "--drop", str(other), "--yes")
    assert "is not the file that the run read" in refused.stderr
    run_id = _done(meta, "undo", put.run_id, "--drop", str(copy))["run_id"]
    receipt = meta.finish(replace(put, run_id=run_id, receipt_key=put.receipt_key.replace(put.run_id, run_id)))
    assert (receipt["reason"], receipt["undoes"], receipt["rows"]["acknowledged"]) == (None, put.run_id, 20)
    assert meta.held("Copied") == meta.members(people(5, "before"))
    assert meta.sandbox.receipt(put.receipt_key)["undone_by"]["rows_removed"] == 20
    meta.wait_until_quiet()
    bucket = meta.sandbox.described["drops_bucket"]
    found = meta.sandbox.client("s3").list_object_versions(Bucket=bucket, Prefix=f"{meta.connector}/Copied/")
    assert [one["Key"].rpartition("/")[2] for one in found["Versions"]] == ["before.csv"]
