"""`activation suppress`: what is read before anything is uploaded, and what is uploaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from lambdas.doctor.addresses import LineQueues

FILE = "email,phone,note\nanna@x.example,+49 171 1234567,a\nnobody,,b\n"


@pytest.fixture
def drops(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Return an empty folder, in which an app with suppression lists is deployed."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    found = Deployment("drops", "receipts", "ledger", "a:b:c:d", {}, lists=LineQueues("", "", ""))
    monkeypatch.setattr(deployment, "find", lambda: found)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="drops")
        yield tmp_path


def suppress(folder: Path, text: str, *options: str) -> Result:
    """Type the command for a file of this text; nothing that it prints may name a person."""
    (folder / "no.csv").write_text(text)
    result = CliRunner().invoke(app, ["suppress", "no.csv", "--list", "court", *options])
    assert "x.example" not in result.output
    return result


def keys() -> list[str]:
    """Return the keys of what was uploaded."""
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket="drops").get("Contents", [])]


def test_a_file_goes_below_its_list(drops: Path) -> None:
    """Under the identifiers that it holds, with the sums of what the function will find."""
    result = suppress(drops, FILE, "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, keys()) == (0, ["suppressions/court/raw/no.csv"])
    assert (told["rows"], told["rows_named"], told["rejected_by_us"]) == (2, 1, {"not_an_email": 1})
    assert told["identifiers"]["meta"] == told["identifiers"]["tiktok"] == 2


def test_lifting_and_kinds_are_parts_of_the_key(drops: Path) -> None:
    """A list of one kind has no header."""
    assert suppress(drops, "anna@x.example\n", "--identifiers", "email", "--lift").exit_code == 0
    assert keys() == ["suppressions/court/email/remove/no.csv"]


def test_several_files_are_one_drop(drops: Path) -> None:
    """The manifest that begins the run comes with them."""
    (drops / "more.csv").write_text(FILE)
    (drops / "no.csv").write_text(FILE)
    result = CliRunner().invoke(app, ["suppress", "no.csv", "more.csv", "--list", "court", "--json"])
    assert (result.exit_code, json.loads(result.stdout)["rows_named"]) == (0, 2)
    assert sorted(key.rsplit("/", 1)[1] for key in keys()) == ["manifest", "more.csv", "no.csv"]


def test_a_plan_uploads_nothing(drops: Path) -> None:
    """It needs no deployment either."""
    result = suppress(drops, FILE, "--plan")
    assert (result.exit_code, keys()) == (0, [])
    assert "rows     2: 1 row with somebody" in result.stdout


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("email\nnobody\n", (), "names_nobody"),
        (f"email\n{hashlib.sha256(b'a').hexdigest()}\n", (), "other_hash"),
        (f"email\n{hashlib.sha256(b'a').hexdigest()}\n", ("--identifiers", "hashed"), "hashed_for_whom"),
        ("email\nanna@x.example\n", ("--identifiers", "hashed_meta"), "clear_text"),
        ("first_name,last_name\nA,B\n", (), "no_usable_column"),
        ("email\n", (), "empty_file"),
    ],
)
def test_what_would_leave_the_list_as_it_is_is_not_uploaded(
    drops: Path, text: str, options: tuple[str, ...], code: str
) -> None:
    """With the code that the run would have, and exit 1, as a plan and as an upload."""
    for more in ((), ("--plan",)):
        result = suppress(drops, text, *options, *more)
        assert (result.exit_code, keys()) == (1, [])
        assert code in result.output


def test_a_folder_whose_manifest_names_another_platform_is_not_uploaded(drops: Path) -> None:
    """`normalize` writes it; the digests of one platform are not found on another that hashes otherwise."""
    (drops / "part-0.csv").write_text(f"email\n{hashlib.sha256(b'a').hexdigest()}\n")
    own = {"entries": [{"url": "s3://drops/x/part-0.csv"}], "activation": {"platform": "tiktok"}}
    (drops / "_manifest.json").write_text(json.dumps(own))
    for identifiers, code in (("hashed_meta", 1), ("hashed_tiktok", 0)):
        command = ["suppress", str(drops), "--list", "court", "--identifiers", identifiers]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == code, result.output
        assert ("other_platform" in result.output) is bool(code)
    assert {key.split("/")[2] for key in keys()} == {"hashed_tiktok"}


def test_more_people_than_the_settings_allow_are_refused(drops: Path) -> None:
    """A list of everybody is a mistake until somebody says that it is meant."""
    connector = {"name": "meta", "platform": "meta"}
    settings = {"connectors": [connector], "alarms": "none", "suppressions": {"most_rows": 1}}
    (drops / "cdk.context.json").write_text(json.dumps({"audience_activation": settings}))
    result = suppress(drops, "email\na@x.example\nb@x.example\n")
    assert (result.exit_code, keys()) == (1, [])
    assert "too_many_at_once" in result.output


def test_an_earlier_release_is_named(drops: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would read the file there."""
    earlier = Deployment("drops", "receipts", "ledger", "a:b:c:d", {})
    monkeypatch.setattr(deployment, "find", lambda: earlier)
    result = suppress(drops, FILE)
    assert (result.exit_code, keys()) == (1, [])
    assert "deploy this release" in result.output


def test_a_list_with_a_slash_is_refused_by_its_own_option(drops: Path) -> None:
    """The error names --list, which the command has, and not the key's part."""
    (drops / "no.csv").write_text(FILE)
    result = CliRunner().invoke(app, ["suppress", "no.csv", "--list", "a/b", "--plan", "--json"])
    assert result.exit_code == 2
    assert "--list" in json.loads(result.stderr)["error"]["sentence"]
