"""The `activation` command against a deployed app: what an operator sees and does."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.emulator.environment import client_environment
from sandbox.place import ROOT
from sandbox.processes import plain_environment
from tests.end_to_end.line import Line
from tests.end_to_end.people import DOMAIN, as_csv, people


def activation(line: Line, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as its user would, in the sandbox's account."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env={**plain_environment(), **client_environment(line.sandbox.described["aws_endpoint_url"])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _run_of(line: Line, run_id: str) -> dict[str, object]:
    done = activation(line, "status", "--json")
    assert done.returncode == 0, done.stderr
    (run,) = [one for one in map(json.loads, done.stdout.splitlines()) if one["run_id"] == run_id]
    return dict(run)


def test_a_drop_is_followed_from_the_command_line(meta: Line, tmp_path: Path) -> None:
    """`drop` says the run, `status` lists it, `receipt` shows its rows; none of them prints anybody."""
    some = people(40, "command")
    file = tmp_path / "people.csv"
    file.write_bytes(as_csv(some))
    dropped = activation(meta, "drop", str(file), "--connector", "meta", "--audience", "By command", "--json")
    assert dropped.returncode == 0, dropped.stderr
    run_id = json.loads(dropped.stdout)["run_id"]
    meta.sandbox.receipt(f"receipts/meta/By command/{run_id}.json")
    run = _run_of(meta, run_id)
    assert (run["state"], run["audience"], run["rows_acknowledged"]) == ("applied", "By command", 40)
    shown = activation(meta, "receipt", run_id[:12], "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["rows"]["acknowledged"] == 40
    table = activation(meta, "receipt", run_id)
    assert (table.returncode, "40" in table.stdout) == (0, True)
    for done in (dropped, shown, table):
        assert DOMAIN not in (done.stdout + done.stderr).lower()


def test_the_first_test_of_a_deployed_line(meta: Line) -> None:
    """`activation test` sends ten people to an audience of their own, acknowledged within a minute."""
    done = activation(meta, "test", "meta", "--yes", "--json", "--within", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["ok"], told["state"]) == (True, "applied")
    assert len(meta.held("activation test")) == 10
    assert [one["name"] for one in meta.audiences()] == ["activation test"]


def test_a_blocked_run_is_redriven_from_the_command_line(meta: Line) -> None:
    """`receipt` answers no for a blocked run, `status` says why, and `redrive` brings it to its end."""
    meta.sandbox.simulator_config("meta", accounts=[{"terms_accepted": False}])
    some = people(30, "redriven")
    put = meta.put("Redriven", as_csv(some))
    meta.finish(put)
    assert activation(meta, "receipt", put.run_id).returncode == 1
    assert _run_of(meta, put.run_id)["code"] == "terms_not_accepted"
    meta.sandbox.simulator_config("meta", accounts=[{"terms_accepted": True}])
    done = activation(meta, "redrive", "--connector", "meta")
    # Letters of other tests may lie beside it.
    assert (done.returncode, "moved back to meta" in done.stdout) == (0, True), done.stdout + done.stderr
    assert meta.finish_again(put)["state"] == "applied"
    assert meta.held("Redriven") == meta.members(some)
    assert activation(meta, "receipt", put.run_id).returncode == 0


def test_a_replay_sends_finished_drops_to_nobody_again(meta: Line) -> None:
    """Archived events come back; a drop that was sent stays as it is, one that never was is sent."""
    since = datetime.now(tz=UTC) - timedelta(seconds=5)
    sent, unsent = people(30, "replayed"), people(20, "unsent")
    done = meta.put("Replayed", as_csv(sent))
    meta.finish(done)
    with meta.held_back():
        lost = meta.put("Unsent", as_csv(unsent))
        meta.take_messages(1)
    before = len(meta.calls())
    until = datetime.now(tz=UTC) + timedelta(seconds=5)
    begun = activation(
        meta,
        "replay",
        "--from", since.strftime("%Y-%m-%dT%H:%M:%S"),
        "--to", until.strftime("%Y-%m-%dT%H:%M:%S"),
        "--connector", "meta",
    )  # fmt: skip
    assert begun.returncode == 0, begun.stderr
    receipt = meta.sandbox.receipt(lost.receipt_key)
    meta.wait_until_quiet()
    assert (receipt["state"], str(receipt["replay"]).startswith("activation-")) == ("applied", True)
    assert meta.held("Unsent") == meta.members(unsent)
    assert meta.held("Replayed") == meta.members(sent)
    assert len(meta.calls()) == before + 1
    assert meta.sandbox.receipt(done.receipt_key)["replay"] is None
