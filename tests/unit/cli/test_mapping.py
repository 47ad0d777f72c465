"""`--map` and `activation columns`: what columns are called, and what a person says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app

TEXT = "Kontakt,Nom,Land\na@b.co,Ruiz,DE\nb@c.co,Lind,\n"


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Write a file that nobody understands, in a folder of its own; the app's release names no connectors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(deployment, "find", lambda: deployment.Deployment("drops", "", "", "", {}))
    path = tmp_path / "kunden.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def asked(command: str, *arguments: str, exit_code: int = 0) -> Any:
    """Run a command; returns its JSON, or its text where it is none."""
    result = CliRunner().invoke(app, [command, *arguments, "--json"])
    assert result.exit_code == exit_code, result.output
    try:
        return json.loads(result.stdout)
    except ValueError:
        return result.output


def drop(command: str, file: Path, *arguments: str, exit_code: int = 0) -> Any:
    """Plan or drop the file."""
    return asked(command, str(file), "--connector", "meta", "--audience", "VIP", *arguments, exit_code=exit_code)


def test_a_plan_shows_what_was_said_and_what_is_proposed(file: Path) -> None:
    """Once a column is said to be the address, the file can be sent."""
    assert drop("plan", file, exit_code=1)["refused"]["code"] == "no_usable_column"
    plan = drop("plan", file, "--map", "Kontakt=email", "--map", "country=US")
    assert plan["columns"] == {"Kontakt": "EMAIL", "constant US": "COUNTRY"}
    assert plan["mapping"] == {"Kontakt": "email", "country": "US"}
    assert plan["proposed_columns"] == {"Land": "country"}
    assert plan["identifiers"] == {"COUNTRY": 2, "EMAIL": 2}


def test_the_settings_and_the_command_go_together(file: Path) -> None:
    """The connector's own columns hold, and the command adds to them."""
    connector = {"name": "meta", "platform": "meta", "columns": {"Kontakt": "email", "Land": "ignore"}}
    Path("cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    assert drop("plan", file)["columns"] == {"Kontakt": "EMAIL"}
    assert drop("plan", file, "--map", "Land=country")["columns"] == {"Kontakt": "EMAIL", "Land": "COUNTRY"}


@pytest.mark.parametrize("connector", ["meta", "tiktok", "snapchat"])
def test_three_addresses_of_a_person_are_planned_for(file: Path, connector: str) -> None:
    """They are counted as identifiers, and the people as before; a fourth is left."""
    header = "email,email,email,email,first_name"
    file.write_text(f"{header}\na@b.co,b@b.co,c@b.co,d@b.co,Ada\ne@b.co,,,,Bo\n", encoding="utf-8")
    plan = asked("plan", str(file), "--connector", connector, "--audience", "VIP")
    key = "EMAIL" if connector == "meta" else "EMAIL_SHA256"
    assert (plan["rows_sent"], plan["people"], plan["identifiers"][key]) == (2, 2, 4)


@pytest.mark.parametrize("connector", ["tiktok", "snapchat"])
@pytest.mark.parametrize(
    ("header", "said", "used"),
    [
        ("phone,Land", ["Land=country"], {"Land"}),
        ("phone,Ursprung", ["Ursprung=country", "country=DE"], {"Ursprung", "constant DE"}),
        ("phone,x", ["country=DE"], {"constant DE"}),
        ("phone,Pays", [], {"Pays"}),
        ("phone,Land,Vorname", [], {"Land"}),
    ],
)
def test_the_country_of_a_row_reads_phones_where_it_is_not_sent(
    file: Path, connector: str, header: str, said: list[str], used: set[str]
) -> None:
    """A column or a constant says it as on a platform that takes countries, and the plan names it as used."""
    more = ",Ada" * header.count("Vorname")
    file.write_text(f"{header}\n030 901820,Deutschland{more}\n", encoding="utf-8")
    arguments = [part for one in said for part in ("--map", one)]
    plan = asked("plan", str(file), "--connector", connector, "--audience", "VIP", *arguments, "--rows", "1")
    assert {name for name, field in plan["columns"].items() if field == "country of phone numbers"} == used
    assert plan["identifiers"] == {"PHONE_SHA256": 1}
    assert plan["preview"][0]["cells"][0]["normalized"].endswith("4930901820")
    assert not used & set(plan["ignored_columns"])


def test_the_country_is_accepted_in_the_settings_of_every_platform_that_reads_by_it(file: Path) -> None:
    """What no platform knows is a mistake as before, and a column of digests needs no country."""
    connector = {"name": "tiktok", "platform": "tiktok", "columns": {"country": "DE"}}
    Path("cdk.context.json").write_text(json.dumps({"audience_activation": {"connectors": [connector]}}))
    file.write_text("phone\n030 901820\n", encoding="utf-8")
    asked_for = ("plan", str(file), "--connector", "tiktok", "--audience", "VIP")
    assert asked(*asked_for)["columns"] == {"phone": "PHONE_SHA256", "constant DE": "country of phone numbers"}
    assert asked(*asked_for, "--map", "country=Atlantis", exit_code=1)["refused"]["code"] == "bad_columns"
    file.write_text(f"phone\n{'a' * 64}\n", encoding="utf-8")
    assert asked(*asked_for, "--identifiers", "hashed")["columns"] == {"phone": "PHONE_SHA256"}


@pytest.mark.parametrize("command", ["plan", "drop"])
def test_every_mistake_is_said_before_anything_is_uploaded(file: Path, command: str) -> None:
    """An unknown field, an unknown column and two meanings, all in one answer."""
    wrong = ["Kontakt=emial", "Spalte=email", "Land=city", "Land=country"]
    answer = str(drop(command, file, *(part for one in wrong for part in ("--map", one)), exit_code=1))
    assert all(part in answer for part in ("emial", "Spalte", "two meanings"))


def test_what_was_said_travels_with_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the object's metadata, in ASCII, and of this object alone."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="drops")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setattr(deployment, "find", lambda: deployment.Deployment("drops", "", "", "", {}))
        answer = drop(
            "drop", file, "--map", "Kontakt=email", "--date-order", "dmy", "--time-zone", "Europe/Berlin"
        )
        head = client.head_object(Bucket="drops", Key=answer["key"])
        assert head["Metadata"] == {
            "column-map": "Kontakt=email",
            "date-order": "dmy",
            "time-zone": "Europe/Berlin",
        }
        answer = drop("drop", file, "--anyway")
        assert client.head_object(Bucket="drops", Key=answer["key"])["Metadata"] == {}


@pytest.mark.parametrize("platform", ["meta", "tiktok", "snapchat", "google", "amazon_ads"])
def test_columns_lists_every_field_with_its_names(platform: str) -> None:
    """Each platform has names for an address and a phone, and none for a key that no column can fill."""
    listed = asked("columns", "--platform", platform)
    by_meaning = {meaning: one for one in listed for meaning in one["means"]}
    assert {"e mail adresse", "メールアドレス"} <= set(by_meaning["email"]["names"])
    assert "handynummer" in by_meaning["phone"]["names"]
    assert "sms" in by_meaning["phone"]["proposed"]
    assert not {"PAGEUID", "UID"} & {one["field"] for one in listed}
