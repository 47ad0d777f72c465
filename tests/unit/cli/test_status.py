"""`activation status`: what waits or warns, with codes that a narrow terminal does not break."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.folders import Closing, Folders
from activation.ledger.keys import start_key
from activation.ledger.progress import Progress
from activation.model import RunWarning

if TYPE_CHECKING:
    pass
from tests.unit.cli.test_runs import asked


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
