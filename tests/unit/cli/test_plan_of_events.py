"""`activation plan`, `locate` and `doctor` of a connector of events."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.__main__ import app

CONNECTOR = ("--connector", "meta_conversions")
HEADER = ("event_name", "sold_at", "order_id", "value", "currency", "email")
SAID = ("--map", "sold_at=event_time", "--map", "action_source=store")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, each platform under its own name."""
    monkeypatch.chdir(tmp_path)


def sale(number: int, days: float = 1.0, order: str = "") -> list[str]:
    """Return a sale so many days ago."""
    time = datetime.now(UTC) - timedelta(days=days)
    return ["purchase", time.isoformat(), order or f"A-{number}", "9.90", "EUR", f"one.{number}@example.com"]


def planned(
    rows: list[list[str]], *arguments: str, said: Sequence[str] = SAID, exit_code: int = 0
) -> dict[str, Any]:
    """Plan a file of sales; return the JSON."""
    with Path("sales.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *rows])
    command = ["plan", "sales.csv", *CONNECTOR, "--audience", "shops", "--json", *said, *arguments]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_plan_of_events_needs_no_word_on_what_the_file_holds() -> None:
    """A connector of events holds events, and the plan counts them in requests of a thousand."""
    plan = planned([sale(number) for number in range(1_500)])
    assert plan["key"] == "meta_conversions/shops/events/sales.csv"
    assert (plan["rows_sent"], plan["requests"], plan["warnings"]) == (1_500, 2, [])


def test_a_word_that_no_row_can_have_is_refused_with_one_that_it_can() -> None:
    """A constant that the field does not know comes with an example of one that it does."""
    said = ("--map", "sold_at=event_time", "--map", "action_source=shop")
    refused = planned([sale(1)], said=said, exit_code=1)["refused"]
    assert refused["code"] == "bad_columns"
    assert (
        "'shop' is neither a field nor a value of 'action_source'; a value is such as 'store'"
        in refused["sentence"]
    )
    named = planned([sale(1)], said=(*SAID[:2], "--map", "event_name=Kauf"), exit_code=1)["refused"]["sentence"]
    assert "Purchase" in named
    assert "other:NAME" in named


def test_a_plan_says_what_would_be_left_out_now_and_why() -> None:
    """Events that are too old by now, and those of one order, are named by their rows."""
    plan = planned([sale(1), sale(2, days=70), sale(3), sale(4, order="A-3"), sale(5, days=-1)])
    assert plan["rows_sent"] == 1
    assert set(plan["identifiers"].values()) == {1}
    assert {code: found["first_rows"] for code, found in plan["rejected"].items()} == {
        "too_old_for_platform": [2],
        "repeated_event_id": [3, 4],
        "event_in_future": [5],
    }
    assert [one["code"] for one in plan["warnings"]] == ["event_ids_repeat", "rows_rejected"]


def test_times_without_a_zone_are_read_in_the_one_that_is_given() -> None:
    """Without it they are rejected under a code that asks for it; a zone that does not exist is a usage error."""
    at = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
    rows = [[*sale(1)[:1], at, *sale(1)[2:]]]
    assert planned(rows, exit_code=1)["rejected"]["time_without_zone"]["rows"] == 1
    shown = CliRunner().invoke(app, ["plan", "sales.csv", *CONNECTOR, "--audience", "shops", *SAID]).output
    assert "time_without_zone: The time has no zone; append an offset or Z, give --time-zone" in shown
    assert planned(rows, "--time-zone", "America/New_York")["rows_sent"] == 1
    command = ["plan", "sales.csv", *CONNECTOR, "--audience", "shops", *SAID, "--time-zone", "Europe/Bonn"]
    assert CliRunner().invoke(app, command).exit_code == 2


def test_people_read_of_events_and_a_dataset() -> None:
    """Not of an audience, and not of people: two sales to one person are two events."""
    Path("sales.csv").write_text("\n".join([",".join(HEADER), *(",".join(sale(one)) for one in (1, 2))]) + "\n")
    arguments = ["plan", "sales.csv", "--connector", "meta_conversions", "--audience", "shops", *SAID]
    shown = CliRunner().invoke(app, arguments).stdout
    assert "dataset" in shown
    assert "different events" in shown
    assert "audience" not in shown
    assert "people" not in shown


def test_a_plan_warns_of_events_that_only_their_row_tells_apart() -> None:
    """Without ids, the same sale in another file would count twice."""
    plan = planned([sale(number) for number in range(3)], "--map", "order_id=ignore")
    assert [one["code"] for one in plan["warnings"]] == ["event_ids_by_row"]


def test_a_file_without_a_time_is_refused_with_the_column_it_lacks() -> None:
    """Nothing is guessed: the missing fields are named."""
    plan = planned([sale(1)], "--map", "sold_at=ignore", said=SAID[2:], exit_code=1)
    assert plan["refused"]["code"] == "required_column_missing"
    assert "event_time" in plan["refused"]["sentence"]


@pytest.mark.parametrize(("kind", "code"), [("events", ""), ("Events", ""), ("raw", "unknown_identifiers")])
def test_a_key_of_events_is_read(kind: str, code: str) -> None:
    """The third part of the key says events, in any case, and nothing else."""
    key = f"meta_conversions/shops/{kind}/2026-11-30/part-0.csv"
    result = CliRunner().invoke(app, ["locate", "--key", key, "--json"])
    answer = json.loads(result.stdout)
    assert answer.get("code", "") == code
    assert code or (answer["identifiers"], answer["audience"], answer["action"]) == ("events", "shops", "add")
