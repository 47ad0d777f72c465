"""`activation receipt` and `activation replay` against a deployed app's buckets."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from activation.report.page import document
from typer.testing import CliRunner, Result

from cli.__main__ import app
from cli.receipt_table import print_receipt
from cli.runs.shown import spoken
from tests.unit.cli.ledger_in_moto import item as run_item
from tests.unit.cli.ledger_in_moto import put
from tests.unit.cli.test_receipts_shown import receipt
from tests.unit.report.test_page import receipt_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

KEY = "receipts/meta/VIP/abc1.json"


def asked(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    ("state", "reason", "said", "exit_code"),
    [
        ("applied", None, "the run is applied, and no row was rejected", 0),
        ("running", None, "the run has not ended", 3),
        ("failed", {"code": "empty_folder", "sentence": "No file."}, "empty_folder: No file.", 1),
    ],
)
def test_a_run_without_rejects_says_why(
    s3: S3Client, state: str, reason: dict[str, str] | None, said: str, exit_code: int
) -> None:
    """--rejects of a run that has no list says so beside the output, which stays empty CSV."""
    body = receipt(state=state, reason=reason, rejects_key=None)
    s3.put_object(Bucket="receipts", Key=KEY, Body=json.dumps(body).encode())
    result = asked("receipt", "abc", "--rejects")
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert f"no rejects were written: {said}" in result.stderr


def test_a_receipt_is_written_as_a_page(s3: S3Client, tmp_path: Path) -> None:
    """--html writes the page that stands beside a final receipt, with the positions of its list of rejects."""
    body = receipt_of(rejects_key="receipts/meta/VIP/abc1.rejects.csv")
    s3.put_object(Bucket="receipts", Key=KEY, Body=json.dumps(body).encode())
    s3.put_object(Bucket="receipts", Key=body["rejects_key"], Body=b"row,column,code\n7,email,not_an_email\n")
    result = asked("receipt", "abc", "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert (result.exit_code, result.stdout) == (0, "")
    assert page == document(body, {"not_an_email": ["row 7, email"]})


def test_rejects_are_printed_as_they_are(s3: S3Client) -> None:
    """--rejects of a run that has a list prints the list and nothing else."""
    body = receipt(rejects_key="receipts/meta/VIP/abc1.rejects.csv")
    s3.put_object(Bucket="receipts", Key=KEY, Body=json.dumps(body).encode())
    s3.put_object(Bucket="receipts", Key=body["rejects_key"], Body=b"row,column,code\r\n2,email,too_long\r\n")
    assert asked("receipt", "abc", "--rejects").stdout_bytes == b"row,column,code\r\n2,email,too_long\r\n"


def test_left_out_cells_are_named_beside_the_rejects(s3: S3Client) -> None:
    """The list has rows that were not sent; of cells left out of others, stderr has codes and first rows."""
    found: dict[str, Any] = {"em": {"not_an_email": {"cells": 2, "first_rows": [3, 9]}}}
    places = [{"file": "a.csv", "row": 7}]
    found |= {"ph": {"no_country": {"cells": 1, "first_rows": [12], "first_places": places}}}
    body = receipt(rejects_key="receipts/meta/VIP/abc1.rejects.csv", cells_left_out=found)
    s3.put_object(Bucket="receipts", Key=KEY, Body=json.dumps(body).encode())
    s3.put_object(Bucket="receipts", Key=body["rejects_key"], Body=b"row,column,code\r\n")
    told = asked("receipt", "abc", "--rejects")
    assert told.stdout_bytes == b"row,column,code\r\n"
    assert (
        "em: not_an_email 2 cells, first in row 3, 9\nph: no_country 1 cell, first in a.csv, row 7" in told.stderr
    )


def test_rows_are_those_read_in_both_lists(s3: S3Client) -> None:
    """`status` and `runs` count the same under the same word."""
    put(run_item("d" * 32, acknowledged=8))
    (of_status,) = asked("status").stdout.splitlines()[1:]
    (of_runs, *_) = asked("runs").stdout.splitlines()[1:]
    assert of_status.split()[-3] == of_runs.split()[-3] == "9"


def test_an_unknown_run_is_answered_with_a_command(s3: S3Client) -> None:
    """The hint is a command that can be copied, and the exit code is that of an unknown run."""
    unknown = asked("receipt", "abc")
    assert "list the runs: .venv/bin/activation runs" in unknown.stderr
    assert unknown.exit_code == 4
    for name in ("abc1", "abc2"):
        s3.put_object(Bucket="receipts", Key=f"receipts/meta/VIP/{name}.json", Body=b"{}")
    assert "ambiguous run id: 2 matches" in asked("receipt", "abc").stderr


def test_the_rejects_are_a_command_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A receipt of the sandbox ends with the command that lists its rejects there."""
    monkeypatch.setattr(sys, "argv", [".venv/bin/activation"])
    print_receipt(receipt(), sandbox=True)
    assert capsys.readouterr().out.endswith(": .venv/bin/activation --sandbox receipt r --rejects\n")


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(("hours", "warned"), [(1, True), (-1, False)])
def test_a_replay_into_the_future_is_warned_of(hours: int, warned: bool) -> None:
    """A --to in the future, most often a local time, is answered with the time it is in UTC."""
    until = datetime.now(tz=UTC) + timedelta(hours=hours)
    result = asked("replay", "--force", "--from", "2026-11-20T00:00:00", "--to", f"{until:%Y-%m-%dT%H:%M:%S}")
    assert result.exit_code == 0
    assert ("warning: --to is in the future: it is now" in result.stderr) is warned


@pytest.mark.usefixtures("s3")
def test_a_forced_replay_is_one_object_with_json() -> None:
    """How many drops of each connector are sent again; this app has none."""
    done = asked("replay", "--force", "--from", "2026-11-20T00:00:00", "--to", "2026-11-21T00:00:00", "--json")
    assert json.loads(done.stdout) == {"sent_again": {}}


def test_a_redrive_is_of_one_thing() -> None:
    """A connector's dead letters or those of the queries, and not of both or none."""
    for arguments in ((), ("--connector", "meta", "--clean-rooms")):
        done = asked("redrive", *arguments)
        assert done.exit_code == 2
        assert "--connector" in done.stderr


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("applied", 0),
        ("empty", 0),
        ("failed", 1),
        ("blocked", 1),
        ("superseded", 1),
        ("running", 3),
        ("accepted", 3),
    ],
)
@pytest.mark.parametrize("command", [("receipt",), ("run", "show")])
@pytest.mark.usefixtures("s3")
def test_the_exit_code_tells_the_state(state: str, code: int, command: tuple[str, ...]) -> None:
    """A script need not read the output of either command."""
    put(run_item("a" * 32, state))
    shown = asked(*command, "a" * 32, "--json")
    assert shown.exit_code == code
    assert json.loads(shown.stdout)["state"] == state
    assert asked(*command, "b" * 32).exit_code == 4


@pytest.mark.usefixtures("s3")
def test_a_running_run_has_a_receipt() -> None:
    """It is made of the ledger's record, its sums are those of now, and it does not pass for a final one."""
    put(run_item("a" * 32, "running", acknowledged=70, counted=False))
    found = json.loads(asked("receipt", "a" * 12, "--json").stdout)
    assert found["rows"] == {
        "in": None, "read": 71, "acknowledged": 70, "rejected_by_us": 1, "rejected_by_platform": 0
    }  # fmt: skip
    assert (found["state"], found["final"], found["rejected_by_us"]) == ("running", False, {"not_an_email": 1})
    assert "Receipt " + "a" * 32 + ": running" in asked("receipt", "a" * 12).stdout


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (3_599, "59 min 59 s"), (86_399, "23 h 59 min"), (186 * 86_400 + 900, "186 d"),
     (999 * 86_400 + 86_399, "999 d 23 h"), (3_605, "1 h")],
)  # fmt: skip
def test_a_duration_fits_into_its_column(seconds: float, said: str) -> None:
    """Its largest unit and the next one, where that is not nothing."""
    assert spoken(seconds) == said
    assert len(said) <= 11


@pytest.mark.usefixtures("s3")
def test_runs_fit_into_80_columns_and_break_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures are a line of at most 80 columns, and what can be copied stands unbroken below them."""
    monkeypatch.setenv("COLUMNS", "80")
    long = "phones_without_country_code"
    put(run_item("a" * 32, "waiting", audience="A" * 60, code=long, not_before=2e9, acknowledged=1_234_567))
    head, figures, fills, reason = asked("runs").stdout.splitlines()
    assert max(len(head), len(figures)) <= 80
    assert figures.split()[:2] == ["a" * 12, "waiting"]
    assert fills == f"  meta: {'A' * 60} (add), meta/{'A' * 60}/raw/{'a' * 32}.csv"
    assert reason.startswith("  until 2033-05-18 03:33:20 UTC (in ")
    assert reason.endswith(f": {long}")
    assert "\x1b" not in figures


@pytest.mark.usefixtures("s3")
def test_runs_are_filtered_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time is UTC and bounds the start; a state that no run has is a usage error."""
    put(run_item("a" * 32), run_item("b" * 32, at=1_790_000_000.0))
    since = datetime.fromtimestamp(1_789_999_999, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    (line,) = asked("runs", "--since", since, "--json").stdout.splitlines()
    assert json.loads(line)["run_id"] == "b" * 32
    assert json.loads(line)["started_at"] == "2026-09-21T14:13:20+00:00"
    assert asked("runs", "--until", since, "--json", "--limit", "1").stdout.count("\n") == 1
    assert asked("runs", "--state", "odd").exit_code == 2


@pytest.mark.usefixtures("s3")
def test_watching_a_run_that_has_ended_shows_its_receipt() -> None:
    """Without a terminal a line tells the state; the exit code is the run's."""
    put(run_item("a" * 32, "failed", code="empty_file", sentence="No row."))
    watched = asked("run", "watch", "a" * 32)
    assert watched.exit_code == 1
    assert "failed  10 rows, 1 rejected, 2 rows/s" in watched.stdout
    assert "empty_file: No row." in watched.stdout
    (told,) = map(json.loads, asked("run", "watch", "a" * 32, "--json").stdout.splitlines())
    assert (told["state"], told["receipt"]["reason"]["code"]) == ("failed", "empty_file")
