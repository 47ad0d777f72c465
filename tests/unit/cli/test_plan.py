"""`activation plan`: the same reading as the connector's, and nothing leaves the machine."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from sandbox.demo import export
from tests.unit.cli.plans import HEADER, people, planned, warned, written

pytestmark = pytest.mark.usefixtures("alone")


def test_the_options_of_the_audience_are_read_as_a_run_would(tmp_path: Path) -> None:
    """The plan shows what is said of the audience, and refuses what the run would be blocked for."""
    path, said = written(tmp_path / "people.csv", people(3)), tmp_path / "_audience.json"
    assert planned(path)["options"] == {}
    said.write_text('{"limited_data_use": true, "retention_days": 30}')
    plan, plain = planned(path, "--options", str(said)), planned(path)
    assert plan["options"] == {"limited_data_use": True, "retention_days": 30}
    assert set(plan["options_mean"]) == set(plan["options"])
    assert plan["bytes"] == plain["bytes"] + len('"DATA_PROCESSING_OPTIONS",') + 3 * len(',["LDU"]')
    said.write_text('{"retention_days": 0, "tags": []}')
    refused = planned(path, "--options", str(said), exit_code=1)["refused"]
    assert refused["code"] == "bad_audience_options"
    assert refused["sentence"].startswith("2 to correct")
    said.write_text('{"value_based": true}')
    assert planned(path, "--options", str(said), exit_code=1)["refused"]["code"] == "required_column_missing"
    valued = written(tmp_path / "valued.csv", [["a@example.com", "5"], ["b@example.com", ""]], ["email", "worth"])
    plan = planned(valued, "--options", str(said), "--map", "worth=LOOKALIKE_VALUE")
    assert (plan["rows_sent"], set(plan["rejected"])) == (1, {"required_missing"})


def test_the_table_shows_the_options_of_the_audience(tmp_path: Path) -> None:
    """People see each option with what it does."""
    path, said = written(tmp_path / "people.csv", people(3)), tmp_path / "_audience.json"
    said.write_text('{"retention_days": 30}')
    command = ["plan", str(path), "--connector", "meta", "--audience", "VIP", "--options", str(said)]
    shown = " ".join(CliRunner().invoke(app, command).output.replace("│", " ").split())
    assert "its retention_days 30: A member leaves after so many days" in shown


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    """Of the demo's export as many rows are rejected as nobody could know, and sent and rejected are all."""
    made = export.write(3_000, 40)
    path = tmp_path / "people.csv"
    path.write_bytes(made.body)
    for connector in ("meta", "tiktok"):
        plan = planned(path, connector=connector)
        assert plan["rows"] == 3_000
        assert plan["rows_rejected"] == made.rejects[connector]
        assert plan["rows_sent"] + plan["rows_rejected"] == plan["rows"]
        assert sum(found["rows"] for found in plan["rejected"].values()) == plan["rows_rejected"]
        assert abs(plan["people"] - len(made.members[connector])) <= 0.01 * plan["people"]


def test_mended_rows_are_counted(tmp_path: Path) -> None:
    """A row without the blank cells at its end is sent, and said to have lacked them."""
    rows = people(5)
    rows[1], rows[3] = rows[1][:2], [*rows[3], "", " "]
    plan = planned(written(tmp_path / "people.csv", rows))
    assert (plan["rows_mended"], plan["rows_sent"], plan["rows_rejected"]) == (2, 5, 0)


def test_rejects_come_with_their_first_rows(tmp_path: Path) -> None:
    """Each code names the first source rows it was found in, at most five of them."""
    rows = people(20)
    for place in (3, 5, 7, 11, 13, 17):
        rows[place] = ["not an address", "", "", "gold"]
    rows[8] = ["one@example.com", "+14155550000", "", "gold", "more"]
    plan = planned(written(tmp_path / "people.csv", rows))
    assert plan["rejected"] == {
        "not_an_email": {"rows": 6, "first_rows": [4, 6, 8, 12, 14]},
        "ragged_row": {"rows": 1, "first_rows": [9]},
    }
    assert plan["ignored_columns"] == ["plan"]


def test_left_out_cells_come_with_their_first_rows(tmp_path: Path) -> None:
    """A row with one unusable cell is sent without it."""
    rows = people(5)
    rows[2][1] = "ext. 12"
    plan = planned(written(tmp_path / "people.csv", rows))
    assert plan["rows_sent"] == 5
    (found,) = plan["cells_left_out"]["PHONE"].values()
    assert found == {"cells": 1, "first_rows": [3]}


def test_requests_and_bytes_are_those_of_the_bodies(tmp_path: Path) -> None:
    """Batches are cut at the platform's limit, and the bytes are those of the bodies it would be sent."""
    count = 10_050
    plan = planned(written(tmp_path / "list.csv", [[one[0]] for one in people(count)], ["email"]))
    assert (plan["batches"], plan["requests"]) == (2, 2)
    assert count * 68 < plan["bytes"] < count * 70
    assert plan["people"] == count
    assert plan["people_exact"]


def test_the_format_makes_no_difference(tmp_path: Path) -> None:
    """CSV, gzip CSV and Parquet of the same rows have the same plan but for the file."""
    rows = people(700)
    plain = written(tmp_path / "people.csv", rows)
    packed = tmp_path / "people.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    columns = tmp_path / "people.parquet"
    pq.write_table(pa.table({name: [row[place] for row in rows] for place, name in enumerate(HEADER)}), columns)
    plans = [planned(path) for path in (plain, packed, columns)]
    assert [plan["format"] for plan in plans] == ["csv", "csv+gzip", "parquet"]
    different = ("key", "format", "dollars", "minutes")
    assert all({**plan, **dict.fromkeys(different)} == {**plans[0], **dict.fromkeys(different)} for plan in plans)


def test_the_limited_tier_takes_its_windows(tmp_path: Path) -> None:
    """Eighteen uploads in five minutes: the nineteenth waits, on the full tier it does not."""
    settings = {"connectors": [{"name": "meta", "platform": "meta", "max_rows_per_request": 100}]}
    (tmp_path / "cdk.context.json").write_text(json.dumps({"audience_activation": settings}))
    plan = planned(written(tmp_path / "people.csv", people(4_100)))
    assert plan["requests"] == 41
    assert plan["minutes"]["limited"] == 10
    assert plan["minutes"]["full"] < 0.2


def test_a_tier_that_is_named_is_the_one_that_is_planned_for(tmp_path: Path) -> None:
    """Whose connector says its access tier hears nothing of the others."""
    connector = {"name": "meta", "platform": "meta", "options": {"access_tier": "limited"}}
    (tmp_path / "cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    plan = planned(written(tmp_path / "people.csv", people(200)))
    assert list(plan["minutes"]) == list(plan["minutes_source"]) == ["limited"]


def test_phones_without_country_code_are_suspicious(tmp_path: Path) -> None:
    """Bare national numbers are warned of, unless the connector has a default country."""
    rows = [[one[0], one[1].removeprefix("+1"), *one[2:]] for one in people(200)]
    path = written(tmp_path / "people.csv", rows)
    assert warned(planned(path)) == ["phones_without_country_code"]
    assert warned(planned(path, "--default-country", "us")) == []
    assert "cells_left_out" in warned(planned(path, connector="tiktok"))


def test_numbers_beside_their_country_are_not_suspicious(tmp_path: Path) -> None:
    """A national number is one of the country that its row names."""
    path = tmp_path / "people.csv"
    path.write_text("phone,country\n" + "".join(f"0171 {n},Germany\n" for n in range(1_234_500, 1_235_700)))
    assert warned(planned(path)) == []


def test_small_and_repeating_audiences_are_warned_of(tmp_path: Path) -> None:
    """Few people, and many rows of the same people, are not refused but said."""
    path = written(tmp_path / "people.csv", people(30) * 5)
    plan = planned(path)
    assert plan["people"] == 30
    assert warned(plan) == ["rows_repeat", "audience_small"]


def test_rows_without_an_identifier_that_matches_are_warned_of(tmp_path: Path) -> None:
    """Most rows have names alone although there is a column of addresses; names were sent for them."""
    rows = [
        [f"one.{place}@example.com" if place < 40 else "", f"Ada{place}", "Byron", "1"] for place in range(200)
    ]
    plan = planned(written(tmp_path / "people.csv", rows, ["email", "first_name", "last_name", "zip"]))
    assert warned(plan) == ["no_strong_identifier"]
    assert "40 of 200" in plan["warnings"][0]["sentence"]


def test_rows_that_repeat_behind_the_sample_are_warned_of(tmp_path: Path) -> None:
    """A plan counts people over the whole file, a run over its first rows only."""
    plan = planned(written(tmp_path / "people.csv", [*people(2_100), *people(2_100)]))
    assert warned(plan) == ["rows_repeat"]
    assert "4,200 rows name only 2,100" in plan["warnings"][0]["sentence"]


def test_an_empty_file_is_no_refusal(tmp_path: Path) -> None:
    """A file with a header alone ends well in a run; the plan says that nothing is in it."""
    plan = planned(written(tmp_path / "people.csv", []))
    assert plan["refused"] is None
    assert warned(plan) == ["no_rows"]


def test_people_read_a_table(tmp_path: Path) -> None:
    """Without --json there is a table with the sums and the reasons."""
    rows = [*people(12), ["nobody", "", "", ""]]
    path = written(tmp_path / "people.csv", rows)
    result = CliRunner().invoke(app, ["plan", str(path), "--connector", "meta", "--audience", "VIP"])
    assert result.exit_code == 0, result.output
    for word in ("13", "12", "not_an_email 1 (row 13)", "audience_small", "minutes, limited"):
        assert word in result.output


def test_the_connectors_encoding_and_delimiter_are_heeded(tmp_path: Path) -> None:
    """What an export is declared to be is how it is read; undeclared, Latin-1 is refused."""
    path = tmp_path / "people.csv"
    path.write_bytes(b"email|city\n" + "a@example.com|Zürich\n".encode("latin-1") * 50)
    assert planned(path, exit_code=1)["refused"]["code"] == "not_utf8"
    connector = {"name": "meta", "platform": "meta", "encoding": "latin-1", "delimiter": "|"}
    Path("cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    assert planned(path)["rows_sent"] == 50


def test_an_encoding_can_be_tried_before_it_is_set(tmp_path: Path) -> None:
    """A plan reads the file by it, and says which ones there are."""
    path = tmp_path / "kunden.csv"
    path.write_bytes("email,Vorname,Ort\nada@example.com,Jürgen,Köln\n".encode("cp1252"))
    assert planned(path, exit_code=1)["refused"]["code"] == "not_utf8"
    assert planned(path, "--encoding", "windows-1252")["rows_sent"] == 1
    command = ["plan", str(path), "--connector", "meta", "--audience", "VIP", "--encoding", "ebcdic"]
    assert CliRunner().invoke(app, command).exit_code == 2


def test_a_plan_takes_out_the_rows_that_other_rows_refuse(tmp_path: Path) -> None:
    """The whole rule counts as the settings have it: its columns, its scope and its key."""
    rule = {"column": ["mail ok", "sms ok"], "allow": [True], "scope": "last", "key": "row"}
    connector = {"name": "meta", "platform": "meta", "consent": rule}
    (tmp_path / "cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    rows = [
        ["a@example.com", "1", "yes", "yes"],
        ["b@example.com", "2", "yes", "yes"],
        ["", "2", "yes", "no"],
        ["c@example.com", "3", "yes", "yes"],
    ]
    plan = planned(written(tmp_path / "people.csv", rows, ["email", "row", "Mail OK", "SMS OK"]))
    assert plan["rows_sent"] == 2
    assert {code: found["rows"] for code, found in plan["rejected"].items()} == {
        "no_consent": 1,
        "no_consent_elsewhere": 1,
    }
    assert plan["columns"]["SMS OK"] == "consent"
