"""`activation receipt` and `activation replay` against a deployed app's buckets."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.folders import Closing, Folders
from activation.ledger.keys import start_key
from activation.ledger.progress import Progress
from activation.model import RunWarning
from activation.report.page import document
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from cli.receipt_table import print_receipt
from cli.runs.shown import spoken
from tests.unit.cli.ledger_in_moto import item as run_item
from tests.unit.cli.ledger_in_moto import make_ledger, put
from tests.unit.cli.test_receipts_shown import receipt
from tests.unit.report.test_page import receipt_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

KEY = "receipts/meta/VIP/abc1.json"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """Return S3 with the receipts bucket of an app whose stacks' outputs need not be read."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployment, "find", lambda: Deployment("drops", "receipts", "ledger", "archive", {}))
    monkeypatch.setattr(sys, "argv", [".venv/bin/activation"])
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="receipts")
        make_ledger()
        yield client


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


def in_ledger(run: str, *warnings: str) -> None:
    """Put the record of a run into a ledger, as the function saves it."""
    progress = Progress(warnings=[RunWarning(code, "a sentence") for code in warnings])
    item = {"pk": f"meta#run#{run}", "state": "applied", "audience": "VIP", "progress": progress.to_json()}
    boto3.client("dynamodb").put_item(TableName="ledger", Item={name: {"S": text} for name, text in item.items()})


@pytest.mark.usefixtures("s3")
def test_status_shows_what_a_receipt_warns_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """The codes are in the table, codes and sentences in the JSON."""
    monkeypatch.setenv("COLUMNS", "200")
    in_ledger("a" * 32, "audience_small", "rows_repeat")
    (line,) = asked("status", "--json").stdout.splitlines()
    assert json.loads(line)["warnings"] == [
        {"code": "audience_small", "sentence": "a sentence"},
        {"code": "rows_repeat", "sentence": "a sentence"},
    ]
    assert "audience_small" in asked("status").stdout


@pytest.mark.usefixtures("s3")
def test_status_breaks_no_code_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code is looked up and pasted, so that the names of audiences give way."""
    monkeypatch.setenv("COLUMNS", "80")
    in_ledger("b" * 32, "phones_without_country_code", "event_ids_by_row", "audience_small")
    shown = asked("status").stdout
    assert all(len(line) <= 80 for line in shown.splitlines()), shown
    for whole in ("phones_without_country_code", "event_ids_by_row", "b" * 12):
        assert whole in shown


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("columns", ["80", "60"])
def test_status_cuts_no_time(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """However long the codes are, a time is whole to the minute."""
    monkeypatch.setenv("COLUMNS", columns)
    in_ledger("b" * 32, "a_code_that_is_longer_than_those_of_today_are_by_far")
    shown = asked("status").stdout
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", shown)
    assert "(a_code_that_is_longer_than_those_of_today_are_by_far)" in shown


@pytest.mark.usefixtures("s3")
def test_status_is_strict_on_request() -> None:
    """A warning of a run that is listed exits 1; runs that are not listed do not count."""
    in_ledger("a" * 32)
    assert asked("status", "--strict").exit_code == 0
    in_ledger("b" * 32, "audience_small")
    assert asked("status").exit_code == 0
    assert asked("status", "--strict").exit_code == 1
    assert asked("status", "--strict", "--json").exit_code == 1
    assert asked("status", "--strict", "--state", "failed").exit_code == 0


@pytest.mark.usefixtures("s3")
def test_a_record_without_progress_has_no_warnings() -> None:
    """A record of an earlier release is listed like any other."""
    item = {"pk": f"meta#run#{'c' * 32}", "state": "applied"}
    boto3.client("dynamodb").put_item(TableName="ledger", Item={name: {"S": text} for name, text in item.items()})
    assert json.loads(asked("status", "--json").stdout)["warnings"] == []


@pytest.mark.usefixtures("s3")
def test_status_shows_folders_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """An open folder says what it waits for, a late file what to do; a closed folder is not listed."""
    monkeypatch.setenv("COLUMNS", "300")
    folders = Folders(ConditionalTable(boto3.client("dynamodb"), "ledger"), "meta", ttl_days=1, clock=lambda: 60.0)
    closing = Closing("r" * 32, "listings/meta/r.json", "sign", 60.0, 60.0)
    for name in ("open", "late", "closed"):
        key, facts = (
            folders.key("drops", name, ""),
            {"object_prefix": f"meta/VIP/raw/replace/{name}/", "action": "x"},
        )
        for event in ("one", "two"):
            _, noted = folders.note_file(key, event, facts, folders.read(key))
            assert noted
        if name != "open":
            folders.note_closing(key, closing, facts)
    late = folders.key("drops", "late", "")
    assert folders.note_late(late, folders.read(late))
    found = {
        one["key"].split("/")[-2]: one for one in map(json.loads, asked("status", "--json").stdout.splitlines())
    }
    assert {name: (one["state"], one["code"]) for name, one in found.items()} == {
        "open": ("open", "folder_open"),
        "late": ("late_part", "late_part"),
    }
    assert found["open"]["sentence"].startswith(
        "2 files announced since 1970-01-01 00:01:00 UTC; waits for _SUCCESS"
    )
    assert found["late"]["sentence"].startswith(
        "1 file came after the folder was closed, and was not sent: write all"
    )
    table = asked("status", "--state", "late_part").stdout
    assert "meta/VIP/raw/replace/late/: 1 file came" in table
    assert "replace/open/" not in table


@pytest.mark.usefixtures("s3")
def test_status_shows_paid_starts_until_they_have_led_to_a_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that runs or has failed is listed with its slot and code; one that succeeded has a run instead."""
    monkeypatch.setenv("COLUMNS", "300")
    table = boto3.client("dynamodb")
    for slot, state, reason in (("1", "started", ""), ("2", "failed", "query_failed"), ("3", "succeeded", "")):
        item = {"pk": start_key("clean_rooms", "vip", slot), "state": state, "reason": reason}
        table.put_item(TableName="ledger", Item={name: {"S": value} for name, value in item.items()})
    found = [json.loads(line) for line in asked("status", "--json").stdout.splitlines()]
    assert sorted((one["key"], one["state"], one["code"]) for one in found) == [
        ("clean_rooms vip 1", "started", ""),
        ("clean_rooms vip 2", "failed", "query_failed"),
    ]
    shown = asked("status", "--state", "started").stdout
    assert "clean_rooms vip 1" in shown
    assert "clean_rooms vip 2" not in shown


def test_a_redrive_is_of_one_thing() -> None:
    """A connector's dead letters or those of the queries, and not of both or none."""
    for arguments in ((), ("--connector", "meta", "--clean-rooms")):
        done = asked("redrive", *arguments)
        assert done.exit_code == 2
        assert "--connector" in done.stderr


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("minutes", "folder", "says"),
    [
        (None, ("add", False), "; waits for _SUCCESS or a manifest, or for the connector's folder_quiet_minutes"),
        (0, ("add", False), "; waits for _SUCCESS or a manifest; a quiet time is off (folder_quiet_minutes)"),
        (5, ("add", True), "or a manifest, or closes at 1970-01-01 00:06:00 UTC if no file comes before"),
        (5, ("replace", False), "or a manifest, or closes at 1970-01-01 00:06:00 UTC if no file comes before"),
        (5, ("replace", True), "or a manifest; a quiet time closes a folder under replace only once"),
    ],
)
def test_an_open_folder_says_when_a_quiet_time_closes_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, minutes: float | None, folder: tuple[str, bool], says: str
) -> None:
    """Or that none does; the code that the table shows is a state that can be asked for."""
    monkeypatch.chdir(tmp_path)
    action, closed = folder
    if minutes is not None:
        connector = {"name": "meta", "platform": "meta", "folder_quiet_minutes": minutes}
        context = {"audience_activation": {"connectors": [connector], "alarms": "none"}}
        (tmp_path / "cdk.context.json").write_text(json.dumps(context))
    folders = Folders(ConditionalTable(boto3.client("dynamodb"), "ledger"), "meta", ttl_days=1, clock=lambda: 60.0)
    key, facts = folders.key("drops", "f", ""), {"object_prefix": "meta/VIP/raw/f/", "action": action}
    if closed:
        folders.note_closing(key, Closing("r" * 32, "listings/meta/r.json", "sign", 60.0, 60.0), facts)
    assert folders.note_file(key, "one", facts, folders.read(key))[1]
    (line,) = asked("status", "--json", "--state", "folder_open").stdout.splitlines()
    found = json.loads(line)
    assert found["state"] == "open"
    assert found["sentence"].startswith("1 file announced since 1970-01-01 00:01:00 UTC; waits for _SUCCESS")
    assert found["sentence"].endswith(says)


@pytest.mark.usefixtures("s3")
def test_what_waits_is_listed_as_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a run that the platform is processing, and a large one whose parts wait, with their reason."""
    monkeypatch.setenv("COLUMNS", "200")
    states = {"waiting": "w" * 32, "accepted": "a" * 32, "running": "r" * 32, "applied": "d" * 32}
    records = [{"pk": f"meta#run#{run}", "state": state} for state, run in states.items()]
    records += [{"pk": f"meta#run#{'l' * 32}", "state": "running", "code": ""}]
    records += [
        {"pk": f"meta#part#{'l' * 32}#{part}", "state": state, "code": code}
        for part, state, code in ((0, "applied", ""), (1, "waiting", "throttled"), (2, "waiting", "throttled"))
    ]
    records += [{"pk": f"meta#part#{'d' * 32}#0", "state": "waiting", "code": "throttled"}]
    for record in records:
        boto3.client("dynamodb").put_item(
            TableName="ledger", Item={name: {"S": text} for name, text in record.items()}
        )
    listed = [json.loads(line) for line in asked("status", "--state", "waiting", "--json").stdout.splitlines()]
    found = {one["run_id"][0]: (one["state"], one["code"], one["parts_waiting"]) for one in listed}
    assert found == {"w": ("waiting", "", 0), "a": ("accepted", "", 0), "l": ("running", "throttled", 2)}
    assert "running, 2 parts waiting: throttled" in asked("status", "--state", "running").stdout


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
