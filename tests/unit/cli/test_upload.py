"""What `activation drop` asks of S3: no more than who may only upload is allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from activation.drops.folder_manifest import manifest_reading
from activation.model import Drop
from botocore.client import BaseClient
from moto import mock_aws
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# s3:PutObject allows these, and s3:AbortMultipartUpload the last: a dropper has both.
UPLOADS = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"}
LINE = "ann@example.com\n"
APP = {"own_encoding": "text-encoding"}  # as the outputs of this release say


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3Client]:
    """Return a client that knows the drops bucket of the deployed app, which has versions."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployment, "find", lambda: deployment.Deployment("drops", "", "", "", {}, app=APP))
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="drops")
        client.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the calls that are made to AWS from now on."""
    made: list[str] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # private: the one way through which all calls go

    def noted(client: BaseClient, name: str, arguments: dict[str, Any]) -> Any:
        made.append(name)
        return call(client, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    return made


@pytest.mark.parametrize(
    ("lines", "uploads"),
    [([10], "PutObject"), ([600_000], "CompleteMultipartUpload"), ([10, 10], "PutObject")],
    ids=["a file", "a file in parts", "a folder"],
)
def test_a_drop_is_uploaded_with_the_right_to_upload_alone(
    tmp_path: Path, bucket: S3Client, calls: list[str], lines: list[int], uploads: str
) -> None:
    """The run's id is that of the version S3 answered with: nothing is read back, which a dropper may not."""
    paths = [tmp_path / f"{at}.csv" for at in range(len(lines))]
    for path, count in zip(paths, lines, strict=True):
        path.write_text("email\n" + LINE * count)
    arguments = ["drop", *map(str, paths), "--connector", "meta", "--audience", "VIP", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert uploads in calls
    assert set(calls) <= UPLOADS
    told = json.loads(result.stdout)
    (version,) = bucket.list_object_versions(Bucket="drops", Prefix=told["key"])["Versions"]
    assert told["version_id"] == version["VersionId"]
    assert told["run_id"] == Drop("drops", told["key"], version["VersionId"], "", 0).run_id("meta")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("email,Email Opt Out\nann@example.com,no\nbob@example.com,yes\n", "consent_unmapped"),
        ("first_name\nAnn\nBob\n", "no_usable_column"),
        ("email\n" + "nobody\n" * 20_000, "all_rows_rejected"),  # more rows than a run judges at its beginning
    ],
    ids=["consent", "nobody", "no row"],
)
def test_a_drop_that_is_sure_to_be_refused_is_not_uploaded(
    bucket: S3Client, tmp_path: Path, text: str, code: str
) -> None:
    """Its header and first rows say so; the command exits 1 and says how it is uploaded all the same."""
    file = tmp_path / "people.csv"
    file.write_text(text)
    arguments = ["drop", str(file), "--connector", "meta", "--audience", "VIP"]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 1
    assert refused.output.startswith(f"{code}: ")
    assert refused.output.endswith("nothing was uploaded; --anyway uploads it all the same\n")
    assert "Contents" not in bucket.list_objects_v2(Bucket="drops")
    assert CliRunner().invoke(app, [*arguments, "--anyway"]).exit_code == 0
    assert len(bucket.list_objects_v2(Bucket="drops")["Contents"]) == 1


def test_a_drop_of_which_a_later_row_is_sent_is_uploaded(bucket: S3Client, tmp_path: Path) -> None:
    """The first thousands of rows may be bad: the file is read until one would be sent."""
    file = tmp_path / "people.csv"
    file.write_text("email\n" + "nobody\n" * 20_000 + LINE)
    arguments = ["drop", str(file), "--connector", "meta", "--audience", "VIP"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert len(bucket.list_objects_v2(Bucket="drops")["Contents"]) == 1


def test_a_doubtful_encoding_is_said_before_anything_is_uploaded(bucket: S3Client, tmp_path: Path) -> None:
    """A warning, which --strict makes an end."""
    file = tmp_path / "people.csv"
    file.write_bytes("email,Vorname\nann@example.com,Paweł\n".encode("cp1250"))
    arguments = ["drop", str(file), "--connector", "meta", "--audience", "VIP", "--encoding", "windows-1252"]
    refused = CliRunner().invoke(app, [*arguments, "--strict"])
    assert refused.exit_code == 1
    assert 'row 1, column "Vorname" has improbable letters' in refused.stderr
    assert "Pawe" not in refused.output
    assert "Contents" not in bucket.list_objects_v2(Bucket="drops")
    assert "encoding_doubtful" in CliRunner().invoke(app, arguments).stderr


def test_the_encoding_of_a_drop_travels_with_it(bucket: S3Client, tmp_path: Path) -> None:
    """With a file as its metadata, with a folder in its manifest; without it the drop is refused."""
    file = tmp_path / "people.csv"
    file.write_bytes(b"email,Ort\n" + "ann@example.com,Köln\n".encode("cp1252") * 9)
    arguments = ["--connector", "meta", "--audience", "VIP", "--map", "Ort=city", "--json"]
    refused = CliRunner().invoke(app, ["drop", str(file), *arguments])
    assert (refused.exit_code, "not_utf8" in refused.stderr) == (1, True)
    assert "activation drop --encoding" in refused.stderr
    written = [*arguments, "--encoding", "windows-1252"]
    for more in ([], ["--plan"], ["--folder", "f"]):
        done = CliRunner().invoke(app, ["drop", str(file), *written, *more])
        assert done.exit_code == 0, done.output
    metadata = bucket.head_object(Bucket="drops", Key="meta/VIP/raw/people.csv")["Metadata"]
    assert metadata["text-encoding"] == "windows-1252"
    manifest = bucket.get_object(Bucket="drops", Key="meta/VIP/raw/f/manifest")["Body"].read()
    reading = manifest_reading(json.loads(manifest))
    assert reading is not None
    assert reading.encoding == "windows-1252"
    assert CliRunner().invoke(app, ["drop", str(file), *arguments, "--encoding", "klingon"]).exit_code == 2


def test_an_encoding_is_not_sent_to_a_release_that_ignores_it(
    bucket: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would read the file in the connector's encoding, and names would be others."""
    monkeypatch.setattr(deployment, "find", lambda: deployment.Deployment("drops", "", "", "", {}))
    file = tmp_path / "people.csv"
    file.write_bytes(b"email,Ort\n" + "ann@example.com,Köln\n".encode("cp1252") * 9)
    arguments = ["--connector", "meta", "--audience", "VIP", "--map", "Ort=city", "--encoding", "windows-1252"]
    refused = CliRunner().invoke(app, ["drop", str(file), *arguments])
    assert (refused.exit_code, "deploy this release" in refused.stderr) == (1, True)
    assert "Contents" not in bucket.list_objects_v2(Bucket="drops")


@pytest.mark.parametrize("strict", [False, True])
def test_a_key_that_names_somebody_is_warned_about(tmp_path: Path, bucket: S3Client, *, strict: bool) -> None:
    """The file is uploaded all the same, unless warnings are to stop it."""
    path = tmp_path / "sabine_mueller.csv"
    path.write_text("email\n" + "".join(f"ann.{at}@example.com\n" for at in range(200)))
    arguments = ["drop", str(path), "--connector", "meta", "--audience", "VIP", *(["--strict"] if strict else [])]
    result = CliRunner().invoke(app, arguments)
    assert "warning  key_names_person: the file's name" in result.stderr
    assert result.exit_code == int(strict)
    assert bool(bucket.list_objects_v2(Bucket="drops").get("Contents")) is not strict
