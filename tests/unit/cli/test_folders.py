"""`activation plan` and `activation drop` of a folder: its files are one drop."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import typer
from activation.drops.folder_manifest import ManifestReading, manifest_reading
from activation.model import Drop
from moto import mock_aws
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app
from cli.local_files import folder_name, local_files

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HEADER = ["email", "first_name", "last_name", "city"]
ROWS = [[f"one.{at}@example.com", "Ada", "King", "London"] for at in range(30)]
ROWS[4][0] = ROWS[17][0] = "nobody"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, each platform under its own name, which the app's release does not say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(deployment, "find", lambda: deployment.Deployment("drops", "", "", "", {}))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """Return a client that knows an empty drops bucket with versions, that of the deployed app."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="drops")
        client.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
        yield client


def called(command: str, *arguments: str | Path, exit_code: int = 0) -> Any:
    """Call a command for the audience of a connector of Meta's; return its JSON, else its output."""
    options = ["--connector", "meta", "--audience", "VIP", "--json"]
    result = CliRunner().invoke(app, [command, *map(str, arguments), *options])
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout) if result.stdout.startswith("{") else result.output


def export(folder: Path, *cuts: int) -> Path:
    """Write the rows as Spark does: parts below a header each, an empty one, checksums and a mark."""
    folder.mkdir()
    for at, (begin, end) in enumerate(pairwise([0, *cuts, len(ROWS)])):
        written(folder / f"part-{at}.csv", ROWS[begin:end])
        (folder / f".part-{at}.csv.crc").write_bytes(b"crc")
    (folder / "part-9.csv").write_bytes(b"")
    (folder / "_SUCCESS").write_bytes(b"")
    return folder


def written(path: Path, rows: list[list[str]], header: list[str] | None = None) -> Path:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header or HEADER, *rows])
    return path


def test_a_folder_is_planned_as_the_one_file_it_would_be(tmp_path: Path) -> None:
    """All figures and warnings are those of one file, and the first rows are named in their files."""
    one = called("plan", written(tmp_path / "people.csv", ROWS))
    many = called("plan", export(tmp_path / "spark", 3, 3, 11))
    folder = many.pop("folder")
    assert folder == {
        "files": 5,
        "skipped": [*(f".part-{at}.csv.crc" for at in range(4)), "_SUCCESS"],
    }
    assert (one.pop("key"), many.pop("key")) == ("meta/VIP/raw/people.csv", "meta/VIP/raw/spark/")
    assert many["cells_left_out"]["EMAIL"]["not_an_email"].pop("first_places") == [
        {"file": "part-2.csv", "row": 2},
        {"file": "part-3.csv", "row": 7},
    ]
    for plan in (one, many):
        plan["dollars"] = plan["dollars"]["dynamodb"]  # what a function costs is measured, so no two plans agree
    assert many == one


def test_a_table_names_files(tmp_path: Path) -> None:
    """People read in which file a row is."""
    export(tmp_path / "spark", 3, 3, 11)
    result = CliRunner().invoke(app, ["plan", "spark", "--connector", "meta", "--audience", "VIP"])
    assert "part-2.csv row 2" in result.stdout
    assert "files" in result.stdout


@pytest.mark.parametrize("command", ["plan", "drop"])
def test_another_header_is_refused_before_anything_is_uploaded(
    tmp_path: Path, bucket: S3Client, command: str
) -> None:
    """A file with other columns is named; the bucket stays empty."""
    folder = export(tmp_path / "spark", 3)
    written(folder / "part-5.csv", ROWS[:2], ["email", "first_name", "city", "last_name"])
    assert "headers_differ" in str(called(command, folder, exit_code=1))
    assert "Contents" not in bucket.list_objects_v2(Bucket="drops")


def test_a_folder_is_uploaded_before_its_manifest(tmp_path: Path, bucket: S3Client) -> None:
    """The files keep their names below a folder of their own, and the manifest lists them with their sizes."""
    folder = export(tmp_path / "spark", 3, 3, 11)
    (folder / "more").mkdir()
    written(folder / "more" / "part-8.csv", ROWS[:1])
    told = called("drop", folder, "--map", "city=ignore", "--date-order", "dmy")
    prefix = told["key"].removesuffix("manifest")
    assert re.fullmatch(r"meta/VIP/raw/spark-\d{8}T\d{6}Z/", prefix)
    assert told["files"] == 6
    names = ["more/part-8.csv", "part-0.csv", "part-1.csv", "part-2.csv", "part-3.csv", "part-9.csv"]
    listed = bucket.list_objects_v2(Bucket="drops")["Contents"]
    assert [one["Key"] for one in listed] == sorted([told["key"], *(prefix + name for name in names)])
    manifest = json.loads(bucket.get_object(Bucket="drops", Key=told["key"])["Body"].read())
    assert manifest["entries"] == [
        {"url": f"s3://drops/{prefix}{name}", "meta": {"content_length": (folder / name).stat().st_size}}
        for name in names
    ]
    assert manifest_reading(manifest) == ManifestReading((("city", "ignore"),), "dmy")
    head = bucket.head_object(Bucket="drops", Key=told["key"])
    assert told["run_id"] == Drop("drops", told["key"], head["VersionId"], "", 0).run_id("meta")
    assert max(one["LastModified"] for one in listed) == head["LastModified"]


def test_the_time_in_a_folder_s_name_is_that_of_the_drop(tmp_path: Path) -> None:
    """A folder that has a time already, as normalize makes them, gets no second one."""
    files = local_files([export(tmp_path / "vip-20250101T000000Z", 3)])
    assert re.fullmatch(r"vip-20[2-9]\d{5}T\d{6}Z", name := folder_name("", files))
    assert not name.startswith("vip-20250101")


def test_a_folder_that_cannot_be_listed_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One below it that is deleted meanwhile, or closed to the user, ends in a sentence with its path."""

    def denied(*_: object) -> list[Path]:
        raise PermissionError(13, "Permission denied", "/export/secret")

    monkeypatch.setattr(Path, "rglob", denied)
    with pytest.raises(typer.BadParameter, match="cannot be listed: Permission denied: /export/secret"):
        local_files([tmp_path])


def test_several_files_are_a_folder(tmp_path: Path, bucket: S3Client) -> None:
    """They are one drop, whose folder can be given a name."""
    files = [written(tmp_path / name, ROWS[:3]) for name in ("b.csv", "a.csv")]
    told = called("drop", *files, "--folder", "week 48")
    assert told["key"] == "meta/VIP/raw/week 48/manifest"
    assert [one["Key"].rsplit("/", 1)[-1] for one in bucket.list_objects_v2(Bucket="drops")["Contents"]] == [
        "a.csv",
        "b.csv",
        "manifest",
    ]


def test_the_first_rows_of_a_folder_are_a_file(tmp_path: Path, bucket: S3Client) -> None:
    """They are those of its first file with rows, uploaded as a file of its own."""
    folder = export(tmp_path / "spark", 0, 11)
    told = called("drop", folder, "--first", "2")
    assert told["key"] == "meta/VIP/raw/part-0.first-2-rows.csv"
    body = bucket.get_object(Bucket="drops", Key=told["key"])["Body"].read().decode()
    assert body.splitlines() == [",".join(HEADER), *(",".join(row) for row in ROWS[:2])]


def test_two_entries_for_one_column_are_refused_before_the_upload(tmp_path: Path, bucket: S3Client) -> None:
    """A manifest has room for one of them."""
    folder = export(tmp_path / "spark", 3)
    answer = called("drop", folder, "--map", "city=ignore", "--map", "city=ignore", exit_code=1)
    assert "bad_columns" in str(answer)
    assert "Contents" not in bucket.list_objects_v2(Bucket="drops")


@pytest.mark.parametrize("command", ["plan", "drop"])
def test_what_the_app_would_refuse_is_not_uploaded(
    tmp_path: Path, bucket: S3Client, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A folder inside that could be meant as another action, and too many files; a plan refuses them, too."""
    folder = export(tmp_path / "spark", 3)
    with monkeypatch.context() as patched:
        patched.setattr("activation.drops.folder_closing.MOST_PARTS", 2)
        assert "too_many_parts" in str(called(command, folder, exit_code=1))
    (folder / "delete").mkdir()
    written(folder / "delete" / "part-0.csv", ROWS[:1])
    refusal = str(called(command, folder, exit_code=1))
    assert "unknown_action" in refusal
    assert "the folder delete/" in refusal
    assert "--folder" not in refusal
    assert "Contents" not in bucket.list_objects_v2(Bucket="drops")


@pytest.mark.parametrize("command", ["plan", "drop"])
def test_a_folder_can_be_given_another_name(tmp_path: Path, bucket: S3Client, command: str) -> None:
    """One whose own name could be meant as an action is refused with the option that helps, which then helps."""
    folder = export(tmp_path / "REMOVE_2026", 3)
    refusal = str(called(command, folder, exit_code=1))
    assert "the folder REMOVE_2026" in refusal
    assert "with --folder" in refusal
    assert called(command, folder, "--folder", "run-7")["key"].startswith("meta/VIP/raw/run-7/")


@pytest.mark.parametrize("command", ["plan", "drop"])
def test_the_folders_own_manifest_says_which_files_are_dropped(
    tmp_path: Path, bucket: S3Client, command: str
) -> None:
    """What Redshift's manifest does not name is left over from an earlier export, and is said."""
    folder = export(tmp_path / "unload", 3, 11)
    names = ("part-0.csv", "part-1.csv")
    entries = [{"url": f"s3://example-warehouse/unload/{name}", "mandatory": True} for name in names]
    (folder / "manifest").write_text(json.dumps({"entries": entries}))
    told = called(command, folder)
    about = told["folder"] if command == "plan" else told
    assert (about["files"], about["unlisted"]) == (2, ["part-2.csv", "part-9.csv"])
    if command == "plan":
        assert told["rows"] == 11
    else:
        listed = [one["Key"].rsplit("/", 1)[-1] for one in bucket.list_objects_v2(Bucket="drops")["Contents"]]
        assert listed == ["manifest", *names]


def test_a_manifest_may_say_how_its_files_are_read(tmp_path: Path) -> None:
    """What the manifest says of columns holds for the plan, and the command's own words come before it."""
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "part-0.csv").write_text("Kontakt,Nummer,born\nann@example.com,7,02/09/1985\n")
    own = {"columns": {"Kontakt": "email", "Nummer": "ignore"}, "date_order": "mdy", "rows": 1}
    (folder / "manifest.json").write_text(
        json.dumps({"entries": [{"url": "file:///x/part-0.csv"}], "activation": own})
    )
    plan = called("plan", folder)
    assert plan["mapping"] == {"Kontakt": "email", "Nummer": "ignore"}
    assert plan["columns"]["Kontakt"] == "EMAIL"
    plan = called("plan", folder, "--map", "Nummer=customer_id")
    assert plan["mapping"] == {"Kontakt": "email", "Nummer": "customer_id"}


@pytest.mark.parametrize(
    "manifest",
    [
        "no JSON",
        '{"entries": [{"url": "s3://b/part-7.csv"}]}',
        '{"entries": [{"url": "s3://b/part-0.csv"}], "activation": {"date_order": "ydm"}}',
    ],
)
def test_a_manifest_that_cannot_be_followed_is_a_usage_error(tmp_path: Path, manifest: str) -> None:
    """One that is damaged, names a file that is not there, or says of its files what nobody can read."""
    folder = export(tmp_path / "unload", 3)
    (folder / "manifest").write_text(manifest)
    called("plan", folder, exit_code=2)
    (folder / "manifest").write_text('{"entries": [{"url": "s3://b/part-0.csv"}]}')
    assert called("plan", folder)["folder"]["files"] == 1
    (folder / "unload_manifest").write_text("{}")
    called("plan", folder, exit_code=2)


def test_a_refused_manifest_is_named_by_its_code(tmp_path: Path) -> None:
    """As the receipt of the drop would name it."""
    folder = export(tmp_path / "made", 1)
    own = {"tell": {"google": "ad_user_data"}}
    (folder / "manifest").write_text(json.dumps({"entries": [{"url": "s3://b/part-0.csv"}], "activation": own}))
    assert "manifest: consent_not_told: the folder's manifest says" in str(called("plan", folder, exit_code=2))


def test_a_drop_says_how_many_files_it_uploaded(tmp_path: Path, bucket: S3Client) -> None:
    """And what of the folder it left out; one file is no plural."""
    (tmp_path / "one.csv").write_text("email\nann@example.com\n")
    mirror = ["--connector", "meta", "--audience", "VIP", "--action", "mirror"]
    assert CliRunner().invoke(app, ["drop", "one.csv", *mirror]).output.startswith("1 file uploaded\n")
    export(tmp_path / "spark", 3)
    result = CliRunner().invoke(app, ["drop", "spark", "--connector", "meta", "--audience", "VIP"])
    assert "3 files uploaded; skipped: .part-0.csv.crc, .part-1.csv.crc, _SUCCESS\n" in result.stdout


def test_a_refused_plan_shows_no_format_that_is_not_known(tmp_path: Path) -> None:
    """Two CSV files with different headers are refused, and no row says "unknown"."""
    folder = export(tmp_path / "spark", 3)
    written(folder / "part-5.csv", ROWS[:2], ["email", "first_name", "city", "last_name"])
    result = CliRunner().invoke(app, ["plan", "spark", "--connector", "meta", "--audience", "VIP"])
    assert "headers_differ" in result.stdout
    assert "unknown" not in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [["spark", "people.csv"], ["people.csv", "more/people.csv"], ["more/none"], ["people.csv", "--folder", "a/b"]],
)
def test_what_is_no_drop_is_a_usage_error(tmp_path: Path, arguments: list[str]) -> None:
    """A folder beside a file, two files of one name, a folder without files, a folder's name with a slash."""
    export(tmp_path / "spark", 3)
    (tmp_path / "more" / "none").mkdir(parents=True)
    for path in ("people.csv", "more/people.csv"):
        written(tmp_path / path, ROWS)
    assert called("drop", *arguments, exit_code=2)
