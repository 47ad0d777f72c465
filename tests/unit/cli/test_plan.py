"""`activation plan`: the same reading as the connector's, and nothing leaves the machine."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from sandbox.demo import export

HEADER = ["email", "phone", "first_name", "plan"]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, each platform under its own name, without a network."""
    monkeypatch.chdir(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the plan opened a connection")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def planned(path: Path, *arguments: str, connector: str = "meta", exit_code: int = 0) -> dict[str, Any]:
    """Plan a file; returns the JSON."""
    command = ["plan", str(path), "--connector", connector, "--audience", "VIP", "--json", *arguments]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def written(path: Path, rows: list[list[str]], header: list[str] | None = None) -> Path:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header or HEADER, *rows])
    return path


def people(count: int) -> list[list[str]]:
    """Make rows of different people."""
    return [[f"one.{number}@example.com", f"+1415555{number:04}", "Ada", "gold"] for number in range(count)]


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


def warned(plan: dict[str, Any]) -> list[str]:
    """Return the codes of a plan's warnings."""
    return [one["code"] for one in plan["warnings"]]


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


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (["first_name", "last_name", "zip", "Erreichbar unter"], "no_strong_identifier"),
        (["phone", "last_name", "zip", "Erreichbar unter"], "unused_identifiers"),
    ],
)
def test_a_weak_drop_is_refused_with_a_mapping_to_paste(tmp_path: Path, header: list[str], code: str) -> None:
    """The columns are named, no cell is, and the connector's settings may allow it."""
    cells = ["+14155550100" if header[0] == "phone" else "Ada", "Byron", "94046", "ada@example.com"]
    path = written(tmp_path / "people.csv", [cells], header)
    plan = planned(path, exit_code=1)
    assert plan["refused"]["code"] == code
    assert '--map "Erreichbar unter=email"' in plan["refused"]["sentence"]
    assert plan["rows"] == 0
    assert code in warned(plan)
    assert "ada" not in json.dumps(plan).casefold()
    connector = {"name": "meta", "platform": "meta", "allow_weak": True}
    (tmp_path / "cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    plan = planned(path)
    assert plan["rows_sent"] == 1
    assert code in warned(plan)


def test_a_second_persons_address_is_neither_sent_nor_proposed(tmp_path: Path) -> None:
    """Pasted onto the row's own person it would give them two people's addresses; the plan names it."""
    header = ["First Name 1", "Email 1", "First Name 2", "Email 2"]
    path = written(tmp_path / "pairs.csv", [["Ada", "ada@example.com", "Bo", "bo@example.com"]], header)
    plan = planned(path)
    assert plan["columns"] == {"Email 1": "EMAIL", "First Name 1": "FN"}
    assert plan["others_columns"] == {"First Name 2": "first_name", "Email 2": "email"}
    assert (plan["proposed_columns"], plan["refused"]) == ({}, None)


def test_a_refusal_proposes_the_columns_whose_cells_are_addresses(tmp_path: Path) -> None:
    """What the names do not say, the first cells do; a city is no help, and no cell is shown."""
    header = ["Zugang", "Ort", "Bemerkung"]
    path = written(tmp_path / "people.csv", [["ada@example.com", "Bonn", "gold"]], header)
    refused = planned(path, exit_code=1)["refused"]
    assert refused["code"] == "no_usable_column"
    assert refused["sentence"].endswith('if these are meant, say so: --map "Zugang=email"')
    assert planned(path, "--map", "Zugang=email")["refused"] is None
    headless = written(tmp_path / "headless.csv", [["ada@example.com"]] * 3, ["Bo Diddley, 1928"])
    sentence = planned(headless, exit_code=1)["refused"]["sentence"]
    assert (
        'is the first line of the file its header? If so, and if these are meant, say so: --map "column 1'
        in sentence
    )
    assert "example" not in sentence


@pytest.mark.parametrize(
    "header",
    [
        ["Besteller E-Mail", "Teilnehmer E-Mail"], ["Email", "Email participant"], ["E-mail", "Verzend e-mail"],
        ["phone", "employer_phone"], ["Email", "Email de l'employeur"], ["Email", "Email del agente"],
        ["E-mail", "E-mail marito"], ["E-mail", "E-mail do empregador"], ["E-Mail", "E-Mail des Teilnehmers"],
        ["メールアドレス", "雇用主メールアドレス"], ["Email", "Email en cas d'urgence"],
        ["E-mail", "E-mail van de ouder (1e)"],
    ],
)  # fmt: skip
def test_another_persons_column_in_any_language_is_no_reason_to_refuse(tmp_path: Path, header: list[str]) -> None:
    """Attendees, employers, agents and parents are others in German and Japanese as they are in English."""
    cells = ["+14155550100", "+14155550101"] if header[0] == "phone" else ["ada@example.com", "bo@example.com"]
    plan = planned(written(tmp_path / "people.csv", [cells], header))
    assert plan["refused"] is None
    assert list(plan["columns"]) == header[:1]


def test_strict_makes_a_warning_an_answer(tmp_path: Path) -> None:
    """With --strict a warning exits 1; without one, a plan exits 0 as before."""
    path = written(tmp_path / "few.csv", people(5))
    assert warned(planned(path)) == ["audience_small"]
    assert warned(planned(path, "--strict", exit_code=1)) == ["audience_small"]
    assert warned(planned(written(tmp_path / "many.csv", people(200)), "--strict")) == []


def test_an_empty_file_is_no_refusal(tmp_path: Path) -> None:
    """A file with a header alone ends well in a run; the plan says that nothing is in it."""
    plan = planned(written(tmp_path / "people.csv", []))
    assert plan["refused"] is None
    assert warned(plan) == ["no_rows"]


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("people.csv", b"PK\x03\x04 something", "zip_file"),
        ("people.csv", b"name of pet,shoe size\nRex,44\n", "no_usable_column"),
        ("people.csv", b"email\nnobody\nnothing\n", "all_rows_rejected"),
        ("people.csv", b'email\nada@example.com\n"ada@example.org\n', "unterminated_quote"),
    ],
)
def test_what_would_be_refused_is(tmp_path: Path, name: str, body: bytes, code: str) -> None:
    """A drop that a run would fail with exits 1, with the run's own code."""
    path = tmp_path / name
    path.write_bytes(body)
    assert planned(path, exit_code=1)["refused"]["code"] == code


def test_one_value_in_clear_refuses_a_hashed_drop(tmp_path: Path) -> None:
    """As in a run, nothing of it would be sent; the value is not shown."""
    hashed = [[hashlib.sha256(one[0].encode()).hexdigest()] for one in people(50)]
    path = written(tmp_path / "hashed.csv", [*hashed, ["ada.lovelace@example.com"]], ["email"])
    plan = planned(path, "--identifiers", "hashed", exit_code=1)
    assert plan["refused"]["code"] == "clear_text"
    assert "lovelace" not in json.dumps(plan)
    assert planned(written(tmp_path / "good.csv", hashed, ["email"]), "--identifiers", "hashed")["rows_sent"] == 50


def test_a_key_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """An unknown connector, identifier type or action is refused before the file is read."""
    path = written(tmp_path / "people.csv", people(1))
    refused = planned(path, connector="nowhere", exit_code=1)["refused"]
    assert refused["code"] == "unknown_connector"
    assert "--stack" in refused["sentence"]
    assert planned(path, "--identifiers", "shoe_size", exit_code=1)["refused"]["code"]
    refused = planned(path, "--action", "replace", connector="snapchat", exit_code=1)["refused"]
    assert refused["code"] == "action_not_offered"


def test_people_read_a_table(tmp_path: Path) -> None:
    """Without --json there is a table with the sums and the reasons."""
    rows = [*people(12), ["nobody", "", "", ""]]
    path = written(tmp_path / "people.csv", rows)
    result = CliRunner().invoke(app, ["plan", str(path), "--connector", "meta", "--audience", "VIP"])
    assert result.exit_code == 0, result.output
    for word in ("13", "12", "not_an_email 1 (row 13)", "audience_small", "minutes, limited"):
        assert word in result.output


def test_a_name_the_platform_does_not_take_is_refused(tmp_path: Path) -> None:
    """As the run would be, and before the file is read to its end."""
    path = written(tmp_path / "people.csv", people(3))
    plan = planned(path, "--audience", "x" * 140, connector="tiktok", exit_code=1)
    assert plan["refused"]["code"] == "bad_name"


@pytest.mark.parametrize("kind", ["JSON", "platform", "number", "option"])
def test_settings_that_are_no_good_are_named_and_not_traced(tmp_path: Path, kind: str) -> None:
    """The same sentences as at synth."""
    connector = {
        "JSON": "",
        "platform": {"name": "meta", "platform": "metta"},
        "number": {"name": "meta", "platform": "meta", "max_rows_per_request": "many"},
        "option": {"name": "meta", "platform": "meta", "options": {"access_tier": "gold"}},
    }[kind]
    context = json.dumps({"audience_activation": {"connectors": [connector]}})
    Path("cdk.context.json").write_text(context[:-1] if kind == "JSON" else context)
    plan = planned(written(tmp_path / "people.csv", people(3)), exit_code=1)
    assert plan["refused"]["code"] == "bad_settings"
    said = {
        "JSON": "line 1",
        "platform": "platform: must be",
        "number": "max_rows_per",
        "option": "access_tier: must",
    }
    assert said[kind] in plan["refused"]["sentence"]


def test_the_connectors_encoding_and_delimiter_are_heeded(tmp_path: Path) -> None:
    """What an export is declared to be is how it is read; undeclared, Latin-1 is refused."""
    path = tmp_path / "people.csv"
    path.write_bytes(b"email|city\n" + "a@example.com|Zürich\n".encode("latin-1") * 50)
    assert planned(path, exit_code=1)["refused"]["code"] == "not_utf8"
    connector = {"name": "meta", "platform": "meta", "encoding": "latin-1", "delimiter": "|"}
    Path("cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    assert planned(path)["rows_sent"] == 50


def test_a_drop_of_too_many_uploads_is_refused(tmp_path: Path) -> None:
    """As a run of it would end, when it has sent as many as there may be."""
    connector = {"name": "tiktok", "platform": "tiktok", "max_rows_per_request": 1}
    Path("cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    plan = planned(written(tmp_path / "people.csv", people(500)), connector="tiktok", exit_code=1)
    assert plan["refused"]["code"] == "too_many_uploads"
    assert plan["requests"] == 490
    assert planned(written(tmp_path / "fewer.csv", people(490)), connector="tiktok")["requests"] == 490


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


class TestReplace:
    """A replace at Meta has to fit in a session of ninety minutes."""

    def plan(self, path: Path, tier: str = "", *, exit_code: int = 0) -> dict[str, Any]:
        """Plan 3,500 people in requests of ten, at an access tier."""
        options = {"access_tier": tier} if tier else {}
        connector = {"name": "meta", "platform": "meta", "max_rows_per_request": 10, "options": options}
        (path / "cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
        file = written(path / "people.csv", people(3500))
        return planned(file, "--action", "replace", exit_code=exit_code)

    def test_a_replace_that_is_too_slow_is_refused(self, tmp_path: Path) -> None:
        """The run would not begin it, so the plan exits 1, with the minutes beside it."""
        plan = self.plan(tmp_path, "limited", exit_code=1)
        assert plan["refused"]["code"] == "replace_too_long"
        assert plan["minutes"] == {"limited": 95.0}

    def test_a_tier_that_nobody_named_is_warned_of(self, tmp_path: Path) -> None:
        """Without a tier in the settings the run goes by the fastest; the plan says at which it would not fit."""
        plan = self.plan(tmp_path)
        assert plan["refused"] is None
        assert [one["sentence"].split(":")[0] for one in plan["warnings"]] == ["at the access tier limited"]

    def test_a_replace_that_fits_is_planned_without_a_word(self, tmp_path: Path) -> None:
        """At the full tier the same drop takes seconds."""
        assert self.plan(tmp_path, "full")["warnings"] == []

    def test_a_replace_with_some_extern_ids_is_refused(self, tmp_path: Path) -> None:
        """What the run would refuse before its first request, the plan refuses."""
        file = written(tmp_path / "ids.csv", [["a@example.com", "7"]], ["email", "extern_id"])
        plan = planned(file, "--action", "replace", exit_code=1)
        assert plan["refused"]["code"] == "replace_with_extern_id"
